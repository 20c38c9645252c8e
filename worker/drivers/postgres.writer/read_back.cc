// verify: full. What the table holds is read back and compared with what was handed over, in the transaction.
#include "protocol/base/categories.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/load.h"

namespace osiris::worker::postgres {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

}  // namespace

Status Load::read_back() {
  CopiedRows held(plans_);
  OSIRIS_TRY(connection_->begin_copy_out("COPY (SELECT " + target_columns() + " FROM " + destination_ +
                                         ") TO STDOUT (FORMAT binary)"));
  std::string buffer(kPieceBytes, '\0');
  for (;;) {
    OSIRIS_ASSIGN(const size_t got,
                  connection_->next_copy_data(buffer.data(), buffer.size(), [] { return std::string(); }));
    if (got == 0) break;
    OSIRIS_TRY(held.take({buffer.data(), got}));
  }
  if (!held.is_ended()) return failed("the rows that were read back end in the middle", "run again");
  std::vector<std::string> names;
  const db::Fingerprint& sent = *expected();
  for (const size_t place : sent.columns_that_differ(held.fingerprint())) names.push_back(plans_[place].target);
  if (!sent.is_of_the_same_rows(held.fingerprint()))
    return db::value_mismatch("PostgreSQL", target_.shown(), names, sent, held.fingerprint());
  return {};
}

// Rows that were held back: until they were compared, or until all chunks were there.
Status Load::insert() {
  OSIRIS_ASSIGN(const Answer inserted, connection_->ask("INSERT INTO " + target_.quoted() + " (" + target_columns() +
                                                        ") SELECT " + target_columns() + " FROM " + destination_));
  return inserted.affected() == rows_ || !settings_.verifies
             ? Status()
             : Status(db::count_mismatch("PostgreSQL", target_.shown(), rows_, inserted.affected()));
}

}  // namespace osiris::worker::postgres
