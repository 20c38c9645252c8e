// The adapter's side of one conversation with a worker, as a state machine without I/O: it numbers requests, matches
// answers to them, and decides for each record whether it is new, seen before, or after a gap.
//
// Records are taken strictly in the order of their numbers. One after a gap is dropped, because the replay that
// fills the gap repeats it: the worker replays under the lock that orders its records, so nothing needs to be held
// here and memory stays flat however much was missed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/rpc/messages.h"

namespace osiris::rpc {

class Conversation {
 public:
  struct PendingRequest {
    std::string id;
    std::string method;
    std::string subject;  // the step, for execute_step
  };

  enum class Order {
    kNext,       // use it
    kDuplicate,  // seen before: drop it
    kGap,        // records before it are missing: drop it and send a replay request
    kUnasked,    // an answer to nothing that was asked, or a second answer: drop it
  };

  struct Accepted {
    Order order = Order::kNext;
    std::optional<PendingRequest> answered;  // the request a taken response answers
  };

  // A new request; its id is unique in this conversation.
  Request ask(std::string_view method, Json params, std::string subject = {});
  // Asks for every record not taken yet.
  Request ask_replay();
  // Decides about a record, and remembers it when the order is kNext.
  Accepted accept(const Record& record);

  // The number the next numbered record must have.
  uint64_t next_seq() const { return next_seq_; }
  // Between ask_replay() and the answer to it.
  bool replay_pending() const { return replay_pending_; }
  // A stream was opened again: an answer that was lost with the old one is no longer expected.
  void forget_replay() { replay_pending_ = false; }
  // True once a heartbeat told of records that never came: those before it were written before it.
  bool is_behind(const Heartbeat& heartbeat) const { return heartbeat.last_seq >= next_seq_; }
  // Requests without an answer, in the order they were made.
  std::vector<PendingRequest> unanswered() const;

 private:
  uint64_t next_seq_ = 1;
  uint64_t next_request_ = 1;
  bool replay_pending_ = false;
  std::map<std::string, std::pair<uint64_t, PendingRequest>> open_;  // by id; with the order they were made in
};

}  // namespace osiris::rpc
