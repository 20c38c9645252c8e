#include "worker/drivers/filesystem.parquet_extractor/joined_columns.h"

#include <algorithm>
#include <unordered_set>

#include "protocol/base/categories.h"
#include "worker/driver_api/name_index.h"
#include "worker/drivers/files/columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.parquet_extractor/joined_type.h"

namespace osiris::worker::parquet {
namespace {

constexpr size_t kLinesMax = 50;  // of the log

// A column, as it is met in one file after the other.
struct Met {
  FileColumn column;
  std::string first_file;
  std::string types;  // "INTEGER in a.parquet, BIGINT in b.parquet", where they differ
  size_t files = 0;
  bool is_read = false;
  std::string missing_in;  // the first file without it
};

class Joiner {
 public:
  Joiner(StepContext& step, const std::vector<std::string>& wanted)
      : step_(step), takes_all_(wanted.empty()), wanted_(wanted) {}

  Status add(const ParquetFile& file, bool is_read) {
    const NameIndex in_file(file.columns, &FileColumn::name);
    for (Met& met : met_)
      if (met.missing_in.empty() && !in_file.contains(met.column.name)) met.missing_in = file.place.path;
    for (const FileColumn& column : file.columns) {
      if (!takes_all_ && !wanted_.contains(column.name)) continue;
      const auto known = places_.find(column.name);
      if (known) {
        OSIRIS_TRY(join(met_[*known], column, file.place.path));
      } else {
        places_.add(column.name);
        met_.push_back({column, file.place.path, {}, 0, false, files_ > 0 ? first_file_ : std::string()});
      }
      Met& met = met_[known.value_or(met_.size() - 1)];
      ++met.files;
      met.is_read |= is_read;
    }
    if (files_++ == 0) first_file_ = file.place.path;
    return {};
  }

  std::vector<Met> take() {
    size_t lines = 0;
    for (const Met& met : met_) {
      if (lines == kLinesMax) break;
      if (!met.types.empty()) {
        ++lines;
        step_.log("column '" + met.column.name + "' is " + met.column.type.sql() + ": " + met.types);
      }
      if (met.files < files_) {
        ++lines;
        step_.log("column '" + met.column.name + "' is in " + std::to_string(met.files) + " of " +
                  std::to_string(files_) + " files, and NULL for the others (" + met.missing_in + ")");
      }
    }
    return std::move(met_);
  }

 private:
  static Status join(Met& met, const FileColumn& column, const std::string& file) {
    if (met.column.comment != column.comment) met.column.comment.clear();
    if (met.column.type == column.type && met.column.in_file == column.in_file) return {};
    if (is_untyped(column.type)) return {};
    if (is_untyped(met.column.type)) {
      met.column.type = column.type;
      met.column.in_file = column.in_file;
      met.first_file = file;
      return {};
    }
    const bool plain = !met.column.is_kept_otherwise() && !column.is_kept_otherwise();
    const auto joined = plain ? joined_type(met.column.type, column.type) : std::nullopt;
    if (!joined)
      return Error(Code::kInvalidArgument,
                   "column '" + met.column.name + "' is " + met.column.type.sql() + " in " + met.first_file + " and " +
                       column.type.sql() + " in " + file + ", and no type holds the values of both",
                   "read them in two steps and cast the column in SQL, or leave it out with `columns`",
                   category::kExtractSchemaMismatch);
    if (met.types.empty()) met.types = met.column.type.sql() + " in " + met.first_file;
    met.types += ", " + column.type.sql() + " in " + file;
    met.column.type = met.column.in_file = *joined;
    return {};
  }

  StepContext& step_;
  const bool takes_all_;
  const NameIndex wanted_;
  std::vector<Met> met_;
  NameIndex places_;  // of `met_`
  std::string first_file_;
  size_t files_ = 0;
};

bool is_without_types(const ParquetFile& file) {
  return file.rows == 0 && std::any_of(file.columns.begin(), file.columns.end(),
                                       [](const FileColumn& column) { return is_untyped(column.type); });
}

std::string source_of(const std::vector<ParquetFile>& files, const std::string& reader = "read_parquet") {
  std::vector<MatchedFile> places;
  for (const ParquetFile& file : files) places.push_back(file.place);
  return reader + "(" + files::sql_paths(places) + ", hive_partitioning = false" +
         (places.size() > 1 ? ", union_by_name = true)" : ")");
}

// The engine joins types by rules of its own, which are not always exact.
Status check_engine(StepContext& step, const Joined& joined) {
  if (joined.read.size() < 2) return {};
  OSIRIS_ASSIGN(const std::vector<FileColumn> read,
                described(step.connection_handle(), "SELECT * FROM " + source_of(joined.read)));
  const NameIndex places(read, &FileColumn::name);
  for (const JoinedColumn& each : joined.columns) {
    if (each.of_path || !each.is_read) continue;
    const auto place = places.find(each.column.name);
    if (!place || !(read[*place].type == each.column.in_file))
      return Error(Code::kInvalidArgument,
                   "the engine cannot read column '" + each.column.name + "' of these files as " +
                       each.column.in_file.sql() + ", the type that holds the values of all",
                   "read them in two steps and cast the column in SQL", category::kExtractSchemaMismatch);
  }
  return {};
}

Status check_path_columns(const std::vector<Met>& met, const std::vector<PathColumn>& of_paths) {
  const NameIndex in_files(met, [](const Met& each) { return each.column.name; });
  for (const PathColumn& column : of_paths)
    if (const auto place = in_files.find(column.name))
      return Error(Code::kInvalidArgument,
                   "column '" + column.name + "' is in " + met[*place].first_file + " and in the name of its directory",
                   "set hive_partitioning: false to read the file's", category::kExtractSchemaMismatch);
  return {};
}

std::vector<std::string> names_of(const std::vector<ParquetFile>& files, const std::vector<PathColumn>& of_paths) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  for (const ParquetFile& file : files)
    for (const FileColumn& column : file.columns)
      if (seen.insert(column.name).second) names.push_back(column.name);
  for (const PathColumn& column : of_paths) names.push_back(column.name);
  return names;
}

// In the step's order, each there.
Status put_in_order(const std::vector<std::string>& wanted, const std::vector<std::string>& names,
                    std::vector<JoinedColumn>& columns) {
  if (wanted.empty()) return {};
  std::vector<JoinedColumn> ordered;
  const NameIndex places(columns, name_of);
  for (const std::string& name : wanted) {
    const auto place = places.find(name);
    if (!place) return files::no_such_column("columns", name, names);
    ordered.push_back(columns[*place]);
  }
  columns = std::move(ordered);
  return {};
}

}  // namespace

Result<Joined> join_columns(StepContext& step, std::vector<ParquetFile> files, std::vector<PathColumn> of_paths,
                            const std::vector<std::string>& wanted) {
  Joined joined;
  Joiner joiner(step, wanted);
  const std::vector<std::string> names = names_of(files, of_paths);
  const bool all_without = std::all_of(files.begin(), files.end(), is_without_types);
  for (ParquetFile& file : files) {
    const bool is_read = all_without || !is_without_types(file);
    OSIRIS_TRY(joiner.add(file, is_read));
    joined.rows += file.rows;
    if (is_read) joined.read.push_back(std::move(file));
  }
  std::vector<Met> met = joiner.take();
  OSIRIS_TRY(check_path_columns(met, of_paths));
  for (Met& each : met) joined.columns.push_back({std::move(each.column), std::nullopt, each.is_read});
  for (PathColumn& column : of_paths) {
    FileColumn shown;
    shown.name = column.name;
    joined.columns.push_back({std::move(shown), std::move(column), true});
  }
  OSIRIS_TRY(put_in_order(wanted, names, joined.columns));
  OSIRIS_TRY(check_engine(step, joined));
  return joined;
}

std::string select_statement(const Joined& joined, const std::vector<MatchedFile>& places,
                             const std::optional<uint64_t>& limit, const std::string& reader) {
  std::string list;
  for (const JoinedColumn& each : joined.columns) {
    const FileColumn& column = each.column;
    const ColumnType& type = is_untyped(column.type) ? column.in_file : column.type;
    list += list.empty() ? "" : ", ";
    if (each.of_path)
      list += path_expression(*each.of_path, places);
    else if (!each.is_read)
      list += "CAST(NULL AS " + type.sql() + ") AS " + sql::quote_identifier(column.name);
    else
      list += read_expression(column.name, column.in_file, type, FileReader::kScript);
  }
  return "SELECT " + list + " FROM " + source_of(joined.read, reader) +
         (limit ? " LIMIT " + std::to_string(*limit) : "");
}

}  // namespace osiris::worker::parquet
