#include "worker/executor/kept_outputs.h"

#include <filesystem>
#include <numeric>
#include <system_error>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/model/step_naming.h"
#include "worker/database/union_table.h"
#include "worker/executor/step_records.h"

namespace osiris::worker {
namespace {

Result<KeptFile> write_rows(const Run& run, const PlanStep& step, const Relation& rows,
                            const std::filesystem::path& file) {
  OSIRIS_TRY(make_directories(file.parent_path()));  // a step whose rows were taken has written nothing yet
  OSIRIS_TRY(run.database->export_parquet(rows, file));
  return kept_file(step, file, rows.rows());
}

// Nothing is said of them: who asks for pieces knows them.
Status write_pieces(const Run& run, const PlanStep& step, const Relation& rows) {
  OSIRIS_TRY(make_directories((run.session_dir / kept_piece_path(step.id, 0)).parent_path()));
  uint64_t first = 0;
  for (size_t place = 0; place < rows.shard_rows().size(); ++place) {
    const uint64_t count = rows.shard_rows()[place];
    OSIRIS_TRY(
        run.database->export_parquet(rows, run.session_dir / kept_piece_path(step.id, place), RowRange{first, count}));
    first += count;
  }
  return {};
}

// The rows of shards that other workers ran, one file each.
Result<std::shared_ptr<const Relation>> read_shards(const Run& run, const PlanStep& step, std::string& fingerprint) {
  const std::vector<Shard>& shards = step.shards->list;
  if (step.input_files.size() != shards.size())
    return Error(Code::kInvalidArgument, "the plan names " + std::to_string(step.input_files.size()) +
                                             " files for the " + std::to_string(shards.size()) + " shards of step " +
                                             step.id);
  UnionTable all(run.database, relation_name(step.id));
  std::vector<uint64_t> rows;
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::filesystem::path file = run.paths.resolve(step.input_files[i].location);
    const auto added = all.add_file(file, shards[i].shown());
    if (!added.ok() && added.error().code == Code::kInvalidArgument)
      return added.error().within(shards[i].shown() + " of step " + step.id);
    if (!added.ok()) return added.error();
    rows.push_back(*added);
    total += rows.back();
  }
  if (total != step.kept.rows_out)
    return Error(Code::kInvalidArgument, "the shards of step " + step.id + " have " + std::to_string(total) +
                                             " rows instead of " + std::to_string(step.kept.rows_out));
  OSIRIS_ASSIGN(auto relation, all.take(std::move(rows)));
  fingerprint = all.fingerprint();
  return relation;
}

Result<std::shared_ptr<const Relation>> read_rows(const Run& run, const PlanStep& step, std::string& fingerprint) {
  if (step.shards) return read_shards(run, step, fingerprint);
  if (step.input_files.size() != 1)
    return Error(Code::kInvalidArgument, "the plan names no file of kept rows for step " + step.id);
  const std::filesystem::path file = run.paths.resolve(step.input_files[0].location);
  auto rows = run.database->import_parquet(file, relation_name(step.id));
  if (rows.ok() && (*rows)->rows() != step.kept.rows_out)
    rows = Error(Code::kInvalidArgument, "it has " + std::to_string((*rows)->rows()) + " rows instead of " +
                                             std::to_string(step.kept.rows_out));
  const std::vector<uint64_t>& shard_rows = step.kept.shard_rows;
  if (rows.ok() && !shard_rows.empty()) {
    if (std::accumulate(shard_rows.begin(), shard_rows.end(), uint64_t{0}) != (*rows)->rows())
      rows = Error(Code::kInvalidArgument, "its shards have other rows than it has");
    else
      rows = (*rows)->with_shards(shard_rows);
  }
  if (rows.ok()) return rows;
  Error error = rows.error().within("the kept rows of step " + step.id + " cannot be read");
  error.hint = "Run again: what is damaged is not taken twice. --no-cache takes nothing that was kept.";
  return error;
}

}  // namespace

Result<KeptFile> kept_file(const PlanStep& step, const std::filesystem::path& file, uint64_t rows) {
  OSIRIS_ASSIGN(FileDigest digest, sha256_file(file));
  if (step.kept.bytes_max > 0 && digest.size_bytes > step.kept.bytes_max)
    return Error(Code::kExhausted, "its rows have " + std::to_string(digest.size_bytes) + " bytes, and " +
                                       std::to_string(step.kept.bytes_max) + " may be kept");
  return KeptFile{std::move(digest), rows};
}

void keep_output(const Run& run, const PlanStep& step, const StepEnd& end, RecordSink& sink) {
  if (!end.relation && !end.kept) return;
  if (step.kept.in_pieces && end.relation) {
    const Status written = write_pieces(run, step, *end.relation);
    if (!written.ok())
      emit_event(sink, "output_not_kept", step.id, Json::object({{"reason", written.error().message}}));
    return;
  }
  const std::string path = kept_file_path(step.id);
  const std::filesystem::path file = run.session_dir / path;
  const Result<KeptFile> kept = end.kept ? *end.kept : write_rows(run, step, *end.relation, file);
  if (kept.ok()) {
    Json fields = Json::object({{"path", path},
                                {"size_bytes", kept->digest.size_bytes},
                                {"sha256", kept->digest.sha256},
                                {"rows", kept->rows}});
    if (step.shards && end.relation) fields.set("shard_rows", shard_rows_json(end.relation->shard_rows()));
    emit_event(sink, "output_kept", step.id, std::move(fields));
    return;
  }
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  emit_event(sink, "output_not_kept", step.id, Json::object({{"reason", kept.error().message}}));
}

StepEnd take_output(const Run& run, const PlanStep& step, RecordSink& sink) {
  StepEnd end;
  if (step.kept.use == StepUse::kTake) {
    auto rows = read_rows(run, step, end.fingerprint);
    if (!rows.ok()) {
      end.status = rows.error();
      return end;
    }
    end.relation = *std::move(rows);
  }
  if (end.relation || step.mode == StepMode::kTransform) end.rows_out = step.kept.rows_out;
  end.outcome = {step.kept.rows_read, step.kept.rows_written};
  emit_event(
      sink, "step_reused", step.id,
      Json::object(
          {{"driver", step.driver}, {"run_id", step.kept.run_id}, {"has_rows", step.kept.use == StepUse::kTake}}));
  return end;
}

}  // namespace osiris::worker
