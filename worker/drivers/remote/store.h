// Objects behind https:// and s3://, as a step reads them: what they are, their bytes by range, and copies of them.
// Reads are of one version of an object: where it changes meanwhile, they fail.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/http/transport.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/remote/answers.h"
#include "worker/drivers/remote/listing.h"
#include "worker/drivers/remote/location.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::remote {

struct Object {
  std::string shown;  // for people: the path without a query
  std::string url;
  std::optional<uint64_t> size;
  std::string etag;      // a strong one, or empty
  std::string modified;  // the server's text; empty: not told
};

// Of all requests for objects.
web::ClientOptions client_options();

// One step's. [any thread]
class Store {
 public:
  // `location`: the first of those it is asked for, all of one scheme.
  static Result<std::shared_ptr<Store>> open(StepContext& step, const Location& location);

  Result<Object> look_up(const Location& location);
  // The objects of s3:// that a pattern finds, sorted by their bytes, with the paths that name them.
  Result<std::vector<std::pair<std::string, Object>>> list(const Location& pattern);
  // The keys of a bucket that begin with `prefix`, of which some shall be written.
  Result<std::vector<std::string>> keys(const std::string& bucket, const std::string& prefix);
  // An object of s3:// that is not there is none that could not be removed.
  Status remove(const Location& object);
  // Exactly these bytes. kUnsupported where the server does not serve ranges.
  Status read(const Object& object, uint64_t at, char* buffer, size_t size);
  // Reads under way fail with kCancelled, and so do those that follow.
  void stop() { client_.stop(); }
  // All bytes into a new file, compared with the service's tag where that is of the bytes.
  Status copy(const Object& object, const std::filesystem::path& file);

 private:
  Store(StepContext& step, std::optional<S3Access> access);
  http::Request request(const std::string& method, const std::string& url) const;
  Result<http::Response> send(http::Request request, const std::string& shown, web::Client::Sink sink = nullptr,
                              Doing doing = Doing::kReads);
  // All pages of a listing. `take` ends it by an error.
  Status each_listed(const std::string& bucket, const std::string& prefix,
                     const std::function<Status(const ListedObject&)>& take, Doing doing);
  Status check_copy(const Object& object, const std::filesystem::path& file, bool tells) const;
  Object described(std::string shown, std::string url, const http::Response& response) const;

  StepContext& step_;
  const std::optional<S3Access> access_;
  web::Client client_;
};

}  // namespace osiris::worker::remote
