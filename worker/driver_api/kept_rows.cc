#include "worker/driver_api/kept_rows.h"

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/copy_function_catalog_entry.hpp>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/main/capi/capi_internal.hpp>
#include <duckdb/main/client_context.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include "worker/driver_api/kept_rows_copy.h"
#include "worker/driver_api/name_index.h"

namespace osiris::worker {
namespace {

constexpr std::string_view kSelect = "SELECT ";
constexpr size_t kGroupBytesMax = size_t{64} << 20;

// Cheap ones: the file is read once or twice, if ever. Other readers of such files would want more. The encodings of
// version 2 take less time than the plain ones of version 1, and leave less to compress.
duckdb::case_insensitive_map_t<duckdb::vector<duckdb::Value>> options_of(const std::vector<FileColumn>& columns) {
  duckdb::case_insensitive_map_t<duckdb::vector<duckdb::Value>> options;
  options["compression"].push_back(duckdb::Value("lz4_raw"));
  options["parquet_version"].push_back(duckdb::Value("V2"));
  options["dictionary_size_limit"].push_back(duckdb::Value::BIGINT(kKeptDictionaryMax));
  options["write_bloom_filter"].push_back(duckdb::Value::BOOLEAN(false));
  duckdb::child_list_t<duckdb::Value> notes;
  for (const auto& [key, text] : parquet_notes(columns)) notes.emplace_back(key, duckdb::Value(text));
  if (!notes.empty()) options["kv_metadata"].push_back(duckdb::Value::STRUCT(std::move(notes)));
  return options;
}

}  // namespace

KeptRows::KeptRows(std::vector<FileColumn> columns, std::string file)
    : copy_(std::make_shared<Copy>(std::move(columns), std::move(file))) {}

KeptRows::~KeptRows() {
  copy_->close();
  std::error_code ignored;
  if (!is_taken_) std::filesystem::remove(copy_->file(), ignored);
}

void KeptRows::keep_from(duckdb_connection connection) {
  auto& states = *reinterpret_cast<duckdb::Connection*>(connection)->context->registered_state;
  states.Insert(kKeptRows, duckdb::make_shared_ptr<KeptRowsState>(*this, copy_));
}

Result<uint64_t> KeptRows::take() {
  copy_->close();
  auto rows = copy_->rows();
  is_taken_ = rows.ok();
  return rows;
}

std::string KeptRows::columns() const { return written_list(copy_->file_columns()); }

std::vector<size_t> KeptRows::places_of(const std::vector<std::string>& names) const {
  const std::vector<FileColumn>& columns = copy_->file_columns();
  const NameIndex kept(columns, &FileColumn::name);
  std::vector<size_t> places;
  for (const std::string& name : names) {
    const auto place = kept.find(name);
    if (!place || columns[*place].name != name || columns[*place].is_kept_otherwise()) return {};
    places.push_back(*place);
  }
  return places;
}

std::string KeptRows::with_columns(const std::string& select) const {
  return std::string(kSelect) + written_list(copy_->file_columns()) + ", " + select.substr(kSelect.size());
}

void KeptRows::Copy::attempt(const std::function<void()>& call) {
  if (has_failed_) return;
  try {
    call();
  } catch (const std::exception& failure) {
    const std::lock_guard lock(mutex_);
    if (why_not_.empty()) why_not_ = duckdb::ErrorData(failure).Message();
    has_failed_ = true;
  }
}

void KeptRows::Copy::bind(duckdb::ClientContext& context, duckdb::vector<duckdb::LogicalType> types) {
  attempt([&] {
    types_ = std::move(types);
    auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
    format_.emplace(catalog.GetEntry<duckdb::CopyFunctionCatalogEntry>(context, DEFAULT_SCHEMA, "parquet").function);
    duckdb::vector<std::string> names;
    for (const FileColumn& column : columns_) names.push_back(column.name);
    duckdb::CopyInfo info;
    info.format = "parquet";
    info.file_path = file_;
    info.options = options_of(columns_);
    duckdb::CopyFunctionBindInput input(info);
    bound_ = format_->copy_to_bind(context, input, names, types_);
  });
}

void KeptRows::Copy::begin(duckdb::ClientContext& context) {
  attempt([&] {
    if (std::exchange(is_begun_, true)) throw duckdb::InvalidInputException("the rows were read more than once");
    global_ = format_->copy_to_initialize_global(context, *bound_, file_);
  });
}

void KeptRows::Copy::take_columns(duckdb::DataChunk& from, duckdb::DataChunk& part) const {
  part.InitializeEmpty(types_);
  for (size_t i = 0; i < types_.size(); ++i) part.data[i].Reference(from.data[i]);
  part.SetCardinality(from.size());
}

duckdb::unique_ptr<duckdb::ColumnDataCollection> KeptRows::Copy::own_columns(
    duckdb::ClientContext& context, const duckdb::ColumnDataCollection& rows) const {
  auto own = duckdb::make_uniq<duckdb::ColumnDataCollection>(context, types_);
  duckdb::ColumnDataAppendState append;
  own->InitializeAppend(append);
  for (auto& chunk : rows.Chunks()) {
    duckdb::DataChunk part;
    take_columns(chunk, part);
    own->Append(append, part);
  }
  return own;
}

duckdb::unique_ptr<duckdb::PreparedBatchData> KeptRows::Copy::prepare(
    duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::ColumnDataCollection> rows) {
  duckdb::unique_ptr<duckdb::PreparedBatchData> prepared;
  attempt([&] {
    if (rows->ColumnCount() != types_.size()) rows = own_columns(context, *rows);
    prepared = format_->prepare_batch(context, *bound_, *global_, std::move(rows));
  });
  return prepared;
}

// For each of a column's pages, which have 100 MB, the engine's writer sets room aside for the texts of all of them:
// rows of large values become groups of one page.
void KeptRows::Copy::write_groups(duckdb::ClientContext& context,
                                  duckdb::unique_ptr<duckdb::ColumnDataCollection> rows) {
  if (rows->Count() == 1 || rows->SizeInBytes() <= kGroupBytesMax) {
    const auto prepared = format_->prepare_batch(context, *bound_, *global_, std::move(rows));
    format_->flush_batch(context, *bound_, *global_, *prepared);
    return;
  }
  const duckdb::idx_t middle = rows->Count() / 2;
  duckdb::unique_ptr<duckdb::ColumnDataCollection> halves[] = {
      duckdb::make_uniq<duckdb::ColumnDataCollection>(context, types_),
      duckdb::make_uniq<duckdb::ColumnDataCollection>(context, types_)};
  duckdb::idx_t at = 0;
  for (auto& chunk : rows->Chunks()) {
    const duckdb::idx_t first = at < middle ? std::min(middle - at, chunk.size()) : 0;
    for (const auto& [half, begin, end] :
         {std::tuple(0, duckdb::idx_t{0}, first), std::tuple(1, first, chunk.size())}) {
      if (begin == end) continue;
      duckdb::DataChunk part;
      take_columns(chunk, part);
      part.Slice(begin, end - begin);
      halves[half]->Append(part);
    }
    at += chunk.size();
  }
  rows.reset();
  for (auto& half : halves) write_groups(context, std::move(half));
}

void KeptRows::Copy::write(duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::ColumnDataCollection> rows) {
  attempt([&] {
    const uint64_t count = rows->Count();
    if (rows->ColumnCount() != types_.size()) rows = own_columns(context, *rows);
    write_groups(context, std::move(rows));
    rows_ += count;
  });
}

void KeptRows::Copy::flush(duckdb::ClientContext& context, duckdb::PreparedBatchData* prepared, uint64_t rows) {
  attempt([&] {
    if (!prepared) throw duckdb::InvalidInputException("some rows are missing");
    format_->flush_batch(context, *bound_, *global_, *prepared);
    rows_ += rows;
  });
}

duckdb::unique_ptr<duckdb::LocalFunctionData> KeptRows::Copy::begin_thread(duckdb::ExecutionContext& context) {
  duckdb::unique_ptr<duckdb::LocalFunctionData> local;
  attempt([&] { local = format_->copy_to_initialize_local(context, *bound_); });
  return local;
}

void KeptRows::Copy::sink(duckdb::ExecutionContext& context, duckdb::LocalFunctionData* local,
                          duckdb::DataChunk& chunk) {
  attempt([&] {
    duckdb::DataChunk part;
    take_columns(chunk, part);
    format_->copy_to_sink(context, *bound_, *global_, *local, part);
    rows_ += part.size();
  });
}

void KeptRows::Copy::end_thread(duckdb::ExecutionContext& context, duckdb::LocalFunctionData* local) {
  attempt([&] {
    if (local) format_->copy_to_combine(context, *bound_, *global_, *local);
  });
}

void KeptRows::Copy::finish(duckdb::ClientContext& context) {
  attempt([&] {
    format_->copy_to_finalize(context, *bound_, *global_);
    is_whole_ = true;
  });
}

Result<uint64_t> KeptRows::Copy::rows() const {
  if (is_whole_) return rows_.load();
  const std::lock_guard lock(mutex_);
  return Error(Code::kUnavailable, "cannot write the relation as Parquet: " +
                                       (why_not_.empty() ? "the rows were not read to their end" : why_not_));
}

void KeptRows::Copy::close() {
  try {
    global_.reset();
  } catch (const std::exception&) {  // of a file that is not whole
    is_whole_ = false;
  }
}

}  // namespace osiris::worker
