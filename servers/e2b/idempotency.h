// What creates with an Idempotency-Key have made: the same key and the same request name the same sandbox, however
// often they come. Nothing was made by a create that failed, so its key is free again.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "servers/e2b/api.h"

namespace osiris::e2b_server {

// [any thread]
class IdempotencyKeys {
 public:
  // What a request with a key meets. Exactly one is set, but for a request that is the first one: then none is.
  struct Lookup {
    std::optional<Json> answer;  // of the create that was made with this key
    std::optional<ApiError> error;
  };
  Lookup begin(const std::string& key, const Json& body);
  // Of the request that was the first one.
  void made(const std::string& key, const Json& answer);
  void failed(const std::string& key);

 private:
  struct Entry {
    std::string body;  // canonical
    std::optional<Json> answer;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace osiris::e2b_server
