// Paths that are addresses: https://host/a.parquet, http:// of this machine, s3://bucket/key.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::remote {

bool is_remote(std::string_view path);

// How to reach a bucket, as the step's connection says.
struct S3Access {
  std::string endpoint;  // "https://s3.example"; empty: Amazon's of the region
  std::string region = "us-east-1";
  bool path_style = true;                     // https://endpoint/bucket/key; otherwise https://bucket.endpoint/key
  std::string key_id, secret, session_token;  // the first two empty: requests are not signed
};

struct Location {
  std::string shown;        // the path without what follows a question mark, which may be a signature
  std::string bucket, key;  // of s3://
  std::string url;          // of others
  bool is_s3() const { return !bucket.empty(); }
};

Result<Location> read_location(const std::string& path);
// Of the step's connection. kInvalidArgument where it neither has keys nor says `anonymous`.
Result<S3Access> read_access(const StepContext& step);

// Where requests for a bucket go: "https://bucket.s3.eu-central-1.amazonaws.com" or "https://host/bucket".
std::string bucket_url(const S3Access& access, const std::string& bucket);

}  // namespace osiris::worker::remote
