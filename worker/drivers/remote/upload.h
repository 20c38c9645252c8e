// A file of this machine as an object of s3://. Small ones go by one PUT, others in parts that become an object when
// the last request names them all; until then what stood under the key stands. An upload that fails or is cancelled is
// aborted, and the service is asked whether it is gone. Each request carries the MD5 of its body, and the ETag of the
// answer is compared with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/remote/location.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::remote {

struct Uploaded {
  std::string etag;  // as the service gave it
  uint64_t bytes = 0;
  uint64_t parts = 0;  // 0: one PUT
};

// How a file of so many bytes is cut: parts of one size (the last may be smaller), few enough for S3, and so many at a
// time that what is held of them is bounded.
struct PartPlan {
  uint64_t part_bytes = 0, parts = 0;
  unsigned at_once = 1;
};
// kExhausted for more than S3 keeps as one object, 5 TiB.
Result<PartPlan> plan_parts(uint64_t bytes);

// Bytes that are all at the service and are an object only when complete() says so. One that is neither completed nor
// aborted stays at the service as an unfinished upload. [one thread at a time]
class StagedUpload {
 public:
  virtual ~StagedUpload() = default;
  // Where the answer is lost, the service is asked what it holds. What fails is aborted.
  virtual Result<Uploaded> complete() = 0;
  // Whatever the step's fate is; an error where the service may still have it.
  virtual Status abort() = 0;
};

// For requests that send; those that are staged together share one. [any thread]
std::shared_ptr<web::Client> sending_client(StepContext& step);
// Sends a file in parts, a small one too, one part after the other. What fails is aborted.
Result<std::unique_ptr<StagedUpload>> stage(StepContext& step, const std::shared_ptr<web::Client>& client,
                                            const Location& location, const std::filesystem::path& file);

// `location` is an s3:// one. Where the answer to the last request was lost, the service is asked what it holds.
Result<Uploaded> upload(StepContext& step, const Location& location, const std::filesystem::path& file);

}  // namespace osiris::worker::remote
