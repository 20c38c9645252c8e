// verify: full. What the table holds is read back and compared with what was handed over, in the transaction.
#include "protocol/base/categories.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/load.h"

namespace osiris::worker::postgres {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;
// Of a table whose rows are looked through for those that were added: less than writing the added ones twice.
constexpr char kBytesBesideMax[] = "67108864";

}  // namespace

// Rows of an append are told from those that were there by the transaction that wrote them, so they need not be held
// back: where nothing of the table's own acts on them, and it is not so large that finding them costs more. Empty
// otherwise.
Status Load::find_own_rows() {
  OSIRIS_ASSIGN(const Answer plain,
                connection_->ask(std::string("SELECT pg_catalog.txid_current() % 4294967296 FROM pg_catalog.pg_class "
                                             "WHERE oid = pg_catalog.to_regclass($1) AND relkind = 'r' AND NOT "
                                             "relhastriggers AND NOT relhasrules AND NOT relrowsecurity AND "
                                             "pg_catalog.pg_relation_size(oid) <= ") +
                                     kBytesBesideMax,
                                 {destination_}));
  if (plain.rows() == 1) own_rows_ = "xmin = '" + plain.text(0, 0) + "'::pg_catalog.xid";
  return {};
}

Status Load::read_back() {
  CopiedRows held(plans_);
  const std::string rows = own_rows_.empty() ? destination_ : "ONLY " + destination_ + " WHERE " + own_rows_;
  OSIRIS_TRY(connection_->begin_copy_out("COPY (SELECT " + target_columns() + " FROM " + rows +
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
