// Whether a transaction was committed, where the answer to its COMMIT was lost. MySQL cannot be asked about a
// transaction, so the transaction writes a row into a table of its own, osiris_done_…, made before it and dropped after
// it: the row is there exactly if the rest is.
#pragma once

#include <optional>
#include <string>

#include "protocol/base/error.h"
#include "worker/drivers/mysql.writer/session.h"

namespace osiris::worker::mysql {

class CommitMarker {
 public:
  // Outside a transaction; drops what killed loads of the same `tag` left a day ago. nullopt, and a line in the log,
  // where the account may not make tables.
  static Result<std::optional<CommitMarker>> make(Session& session, const CallContext& call, const std::string& tag);

  // In the transaction, first.
  Status set(Session& session) const;

  enum class Outcome { kCommitted, kRolledBack, kUnknown };
  // Over connections of its own, for as long as a log-in may take; kUnknown where no server answers, or the old
  // connection's transaction goes on.
  Outcome ask(const ServerSettings& server, const CallContext& call) const;

  // Outside a transaction. What cannot be dropped now is by a later load.
  void remove(Session& session) const;

 private:
  explicit CommitMarker(std::string table) : table_(std::move(table)) {}
  std::string table_;  // quoted
};

}  // namespace osiris::worker::mysql
