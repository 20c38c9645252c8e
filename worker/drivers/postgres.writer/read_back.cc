// verify: full. What the table holds is read back and compared with what was handed over, in the transaction.
#include "worker/drivers/postgres.writer/read_back.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base/categories.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/load.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
// Of a table whose rows are looked through for those that were added: less than writing the added ones twice.
constexpr char kBytesBesideMax[] = "67108864";
constexpr uint64_t kPieceBytesMin = uint64_t{4} << 20, kPieceBytesMax = uint64_t{64} << 20;
// The server makes room for a COPY at the end of a table, for up to 64 pages at once, and fills them in any order.
constexpr uint64_t kPagesAtWork = 128;
// A piece is at least so many times as long as the server takes to answer.
constexpr int kPieceOfAnswers = 32;
constexpr int kHasRangesOfPages = 140000;

// One whose pages are the server's own, where nothing acts on rows once they are there.
constexpr char kPlainTable[] =
    " FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1) AND relkind = 'r' AND NOT relhastriggers AND NOT "
    "relhasrules AND NOT relrowsecurity";
constexpr char kPages[] = "SELECT pg_catalog.pg_relation_size(oid) / pg_catalog.current_setting('block_size')::bigint";

std::string page(uint64_t number) { return "'(" + std::to_string(number) + ",0)'::pg_catalog.tid"; }

}  // namespace

ReadBack::ReadBack(Connection& connection, const std::vector<ColumnPlan>& plans, std::string table, std::string columns,
                   std::string own_rows)
    : connection_(connection),
      table_(std::move(table)),
      columns_(std::move(columns)),
      own_rows_(std::move(own_rows)),
      held_(plans),
      piece_bytes_(kPieceBytesMin) {}

Result<bool> ReadBack::begin() {
  if (connection_.server_version() < kHasRangesOfPages) return false;
  OSIRIS_ASSIGN(const Answer pages,
                connection_.ask(std::string(kPages) + kPlainTable +
                                    " AND relam = (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'heap')",
                                {table_}));
  if (pages.rows() == 0) return false;
  pages_before_ = next_page_ = std::stoull(pages.text(0, 0));
  piece_began_ = Clock::now();
  return pages_before_ == 0 || !own_rows_.empty();
}

Status ReadBack::read(const std::string& from) {
  OSIRIS_TRY(connection_.begin_copy_out("COPY (SELECT " + columns_ + " FROM " + from + ") TO STDOUT (FORMAT binary)"));
  held_.begin_copy();
  if (buffer_.empty()) buffer_.resize(kBufferBytes);
  size_t left = 0;
  for (;;) {
    if (left == buffer_.size())
      buffer_.resize(std::max(left + left / 2, row_bytes_at_least({buffer_.data(), left}) + kBufferBytes));
    OSIRIS_ASSIGN(const size_t got, connection_.next_copy_data(buffer_.data() + left, buffer_.size() - left,
                                                               [] { return std::string(); }));
    if (got == 0) break;
    const std::string_view bytes(buffer_.data(), left + got);
    OSIRIS_ASSIGN(const size_t taken, held_.take(bytes));
    left = bytes.size() - taken;
    std::memmove(buffer_.data(), buffer_.data() + taken, left);
  }
  if (held_.is_ended()) return {};
  return Error(Code::kStepFailed, "PostgreSQL write failed: the rows that were read back end in the middle",
               "run again", category::kWriteFailed);
}

Status ReadBack::read_pages(uint64_t first, const uint64_t* end) {
  if (end && *end <= first) return {};
  return read("ONLY " + table_ + " WHERE ctid >= " + page(first) + (end ? " AND ctid < " + page(*end) : "") +
              (own_rows_.empty() ? "" : " AND " + own_rows_));
}

Status ReadBack::read_piece() {
  const Clock::time_point asked = Clock::now();
  OSIRIS_ASSIGN(const Answer pages, connection_.ask(std::string(kPages) + kPlainTable, {table_}));
  const Clock::duration answer = Clock::now() - asked;
  const uint64_t there = pages.rows() == 0 ? 0 : std::stoull(pages.text(0, 0));
  const uint64_t end = there < kPagesAtWork ? 0 : there - kPagesAtWork;
  if (end > next_page_) {
    OSIRIS_TRY(read_pages(next_page_, &end));
    next_page_ = end;
  }
  const Clock::time_point now = Clock::now();
  if (answer * kPieceOfAnswers > now - std::exchange(piece_began_, now) && piece_bytes_ < kPieceBytesMax)
    piece_bytes_ *= 2;
  return {};
}

// Free room on pages that were there before may have been used too.
Status ReadBack::read_rest() {
  OSIRIS_TRY(read_pages(0, &pages_before_));
  return read_pages(next_page_, nullptr);
}

Status ReadBack::read_all() { return read(own_rows_.empty() ? table_ : "ONLY " + table_ + " WHERE " + own_rows_); }

// Rows of an append are told from those that were there by the transaction that wrote them, so they need not be held
// back: where nothing of the table's own acts on them, and it is not so large that finding them costs more. Empty
// otherwise.
Status Load::find_own_rows() {
  OSIRIS_ASSIGN(const Answer plain,
                connection_->ask(std::string("SELECT pg_catalog.txid_current() % 4294967296") + kPlainTable +
                                     " AND pg_catalog.pg_relation_size(oid) <= " + kBytesBesideMax,
                                 {destination_}));
  if (plain.rows() == 1) own_rows_ = "xmin = '" + plain.text(0, 0) + "'::pg_catalog.xid";
  return {};
}

// Rows in chunks are read back when all are there: some may be of an earlier run.
Status Load::begin_read_back() {
  if (!settings_.verifies_values || ledger_) return {};
  read_back_.emplace(*connection_, plans_, destination_, target_columns(), own_rows_);
  OSIRIS_ASSIGN(const bool by_pieces, read_back_->begin());
  if (!by_pieces) read_back_.reset();
  return {};
}

// Pages that were read before their last row was there do not make two tables of one: all is read again then.
Status Load::read_back() {
  const db::Fingerprint& sent = *expected();
  if (read_back_) {
    OSIRIS_TRY(read_back_->read_rest());
    if (sent.is_of_the_same_rows(read_back_->held())) return {};
  }
  ReadBack all(*connection_, plans_, destination_, target_columns(), own_rows_);
  OSIRIS_TRY(all.read_all());
  std::vector<std::string> names;
  for (const size_t place : sent.columns_that_differ(all.held())) names.push_back(plans_[place].target);
  if (!sent.is_of_the_same_rows(all.held()))
    return db::value_mismatch("PostgreSQL", target_.shown(), names, sent, all.held());
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
