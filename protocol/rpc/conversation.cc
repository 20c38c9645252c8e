#include "protocol/rpc/conversation.h"

#include <algorithm>
#include <utility>

#include "protocol/rpc/params.h"

namespace osiris::rpc {

Request Conversation::ask(std::string_view method, Json params, std::string subject) {
  const uint64_t order = next_request_++;
  Request request{"req_" + std::to_string(order), std::string(method), std::move(params)};
  open_.emplace(request.id, std::pair(order, PendingRequest{request.id, request.method, std::move(subject)}));
  return request;
}

Request Conversation::ask_replay() {
  replay_pending_ = true;
  return ask(method::kReplay, Json::object({{"from_seq", next_seq_}}));
}

Conversation::Accepted Conversation::accept(const Record& record) {
  const uint64_t seq = record_seq(record);
  if (seq != 0 && seq < next_seq_) return {Order::kDuplicate, {}};
  if (seq > next_seq_) return {Order::kGap, {}};

  Accepted accepted;
  if (const auto* response = std::get_if<Response>(&record)) {
    if (const auto found = open_.find(response->id); found != open_.end()) {
      accepted.answered = std::move(found->second.second);
      if (accepted.answered->method == method::kReplay) replay_pending_ = false;
      open_.erase(found);
    } else {
      accepted.order = Order::kUnasked;
    }
  }
  if (seq != 0) ++next_seq_;
  return accepted;
}

std::vector<Conversation::PendingRequest> Conversation::unanswered() const {
  std::vector<std::pair<uint64_t, PendingRequest>> sorted;
  for (const auto& [id, entry] : open_) sorted.push_back(entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PendingRequest> asked;
  for (auto& [order, request] : sorted) asked.push_back(std::move(request));
  return asked;
}

}  // namespace osiris::rpc
