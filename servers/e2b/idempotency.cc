#include "servers/e2b/idempotency.h"

namespace osiris::e2b_server {

IdempotencyKeys::Lookup IdempotencyKeys::begin(const std::string& key, const Json& body) {
  const std::string text = body.dump_canonical();
  const std::lock_guard lock(mutex_);
  const auto [found, is_first] = entries_.try_emplace(key, Entry{text, std::nullopt});
  if (is_first) return {};
  if (found->second.body != text)
    return {std::nullopt,
            ApiError{422, "Idempotency-Key was used with a different request", "idempotency_request_mismatch", false}};
  if (!found->second.answer)
    return {std::nullopt,
            ApiError{409, "A request with this Idempotency-Key is being handled", "idempotency_in_progress", true}};
  return {found->second.answer, std::nullopt};
}

void IdempotencyKeys::made(const std::string& key, const Json& answer) {
  const std::lock_guard lock(mutex_);
  entries_[key].answer = answer;
}

void IdempotencyKeys::failed(const std::string& key) {
  const std::lock_guard lock(mutex_);
  entries_.erase(key);
}

}  // namespace osiris::e2b_server
