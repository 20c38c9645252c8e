#include "worker/drivers/db/copy_ledger.h"

#include <algorithm>
#include <utility>

#include "protocol/base/sha256.h"

namespace osiris::worker::db {
namespace {

constexpr int64_t kForm = 1;  // of the rows' content
constexpr size_t kNameDigits = 12;

std::string seal_of(const std::string& head, const LedgerRow& row) {
  return sha256_hex(sha256_hex(head) + "\n" + std::to_string(row.chunk) + "\n" + std::to_string(row.rows) + "\n" +
                    row.content);
}

Error unfit(const std::string& why) { return Error(Code::kInvalidState, why); }

// "the source's query has changed"
std::string difference(const Json& before, const Json& now) {
  for (const auto& [side, parts] : now.members())
    for (const auto& [name, value] : parts.members())
      if (!(before[side][name] == value)) return "the " + side + "'s " + name + " has changed";
  return "it is another copy";
}

}  // namespace

CopyTables tables_of_copy(const StepOrigin& origin, const std::string& step_id, const std::string& target) {
  CopyTables tables;
  tables.prefix = "osiris_copy_" + sha256_hex(origin.pipeline + "\n" + step_id).substr(0, kNameDigits) + "_";
  tables.staging = tables.prefix + sha256_hex(target).substr(0, kNameDigits);
  tables.ledger = tables.staging + "_log";
  return tables;
}

CopyLedger::CopyLedger(std::string head, ChunkPlan plan, size_t columns)
    : head_(std::move(head)), plan_(std::move(plan)), fingerprint_(columns) {}

CopyLedger::CopyLedger(const Json& identity, ChunkPlan plan, size_t columns)
    : CopyLedger(std::string(), std::move(plan), columns) {
  Json bounds = Json::array();
  for (const std::string& bound : plan_.bounds) bounds.push_back(bound);
  head_ = Json::object({{"form", kForm},
                        {"identity", identity},
                        {"bounds", std::move(bounds)},
                        {"ranges_per_chunk", uint64_t{plan_.ranges_per_chunk}}})
              .dump_canonical();
}

LedgerRow CopyLedger::head() const {
  LedgerRow row{kHead, 0, head_, {}};
  row.seal = seal_of(head_, row);
  return row;
}

Result<CopyLedger> CopyLedger::read(const std::vector<LedgerRow>& rows, const Json& identity, size_t columns) {
  const auto head = std::find_if(rows.begin(), rows.end(), [](const LedgerRow& row) { return row.chunk == kHead; });
  if (head == rows.end()) return unfit("its ledger does not say what it is");
  const auto content = parse_json(head->content);
  if (head->seal != seal_of(head->content, *head) || !content.ok() || !content->is_object())
    return unfit("its ledger was changed");
  if ((*content)["form"].as_int() != kForm) return unfit("another version of osiris began it");
  const Json& before = (*content)["identity"];
  if (!(before == identity)) return unfit(difference(before, identity));
  ChunkPlan plan;
  plan.ranges_per_chunk = std::max<size_t>(1, (*content)["ranges_per_chunk"].as_uint());
  for (const Json& bound : (*content)["bounds"].items()) plan.bounds.push_back(bound.as_string());
  CopyLedger ledger(head->content, std::move(plan), columns);
  for (const LedgerRow& row : rows)
    if (row.chunk != kHead) OSIRIS_TRY(ledger.committed(row));
  return ledger;
}

LedgerRow CopyLedger::row_of(size_t chunk, uint64_t rows, const Fingerprint* fingerprint) const {
  const auto [first, count] = plan_.ranges_of(chunk);
  Json content = Json::object();
  if (first > 0) content.set("from", plan_.bounds[first - 1]);
  if (first + count - 1 < plan_.bounds.size()) content.set("below", plan_.bounds[first + count - 1]);
  if (fingerprint) content.set("fingerprint", fingerprint->state());
  LedgerRow row{static_cast<int64_t>(chunk), rows, content.dump_canonical(), {}};
  row.seal = seal_of(head_, row);
  return row;
}

LedgerRow CopyLedger::brought() const {
  LedgerRow row{kBrought, rows_, "{}", {}};
  row.seal = seal_of(head_, row);
  return row;
}

Status CopyLedger::committed(const LedgerRow& row) {
  if (row.chunk == kBrought && row.seal == seal_of(head_, row)) {
    is_brought_ = true;
    return {};
  }
  const auto content = parse_json(row.content);
  const bool is_chunk = row.chunk >= 0 && static_cast<size_t>(row.chunk) < plan_.chunks();
  if (row.seal != seal_of(head_, row) || !content.ok() || !is_chunk || !chunks_.emplace(row.chunk, row.rows).second)
    return unfit("its ledger was changed");
  rows_ += row.rows;
  const Json& state = (*content)["fingerprint"];
  if (state.is_null()) return {};
  const auto fingerprint = Fingerprint::of_state(state.as_string(), fingerprint_.columns());
  if (!fingerprint || fingerprint->rows() != row.rows) return unfit("its ledger was changed");
  fingerprint_.add(*fingerprint);
  return {};
}

std::vector<size_t> CopyLedger::missing() const {
  std::vector<size_t> chunks;
  for (size_t chunk = 0; chunk < plan_.chunks(); ++chunk)
    if (!chunks_.contains(static_cast<int64_t>(chunk))) chunks.push_back(chunk);
  return chunks;
}

std::string how_to_go_on(const CopyLedger& ledger, const CopyTables& tables) {
  return std::to_string(ledger.count()) + " of " + std::to_string(ledger.plan().chunks()) +
         " chunks are committed to table " + tables.staging +
         ": osiris run --resume goes on from there; a run without it drops that table and " + tables.ledger;
}

void tell_without_chunks(StepContext& context) {
  if (!context.origin().resumes) return;
  context.log(
      "the rows have no chunks, so all of them are copied anew: `partition: {column, chunk_rows}` of the step that "
      "reads "
      "them makes a copy that --resume goes on with");
}

void tell_chunks(StepContext& context, const CopyLedger& ledger, size_t reused, const std::string& staging) {
  context.event("copy_chunks", Json::object({{"table", staging},
                                             {"chunks", uint64_t{ledger.plan().chunks()}},
                                             {"committed", uint64_t{ledger.count() - reused}},
                                             {"reused", uint64_t{reused}},
                                             {"rows", ledger.rows()}}));
}

}  // namespace osiris::worker::db
