#include "worker/drivers/program/relation_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "worker/driver_api/changed_values.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/parquet_scans.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/program/csv_header.h"
#include "worker/drivers/program/declared_values.h"
#include "worker/drivers/program/ndjson_types.h"
#include "worker/drivers/program/output_lines.h"

namespace osiris::worker::program {
namespace {

constexpr size_t kHeaderBytesMax = 1 << 20;

using sql::quote_identifier;
using sql::quote_literal;

Result<std::vector<Column>> columns_of(duckdb_connection connection, const std::string& source) {
  OSIRIS_ASSIGN(
      sql::QueryResult described,
      sql::run_query(connection, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM " + source + ")"));
  std::vector<Column> columns;
  for (idx_t row = 0; row < described.rows(); ++row)
    columns.push_back({described.text(0, row), described.text(1, row)});
  return columns;
}

FileFormat file_format(Format format) {
  switch (format) {
    case Format::kCsv:
      return FileFormat::kCsv;
    case Format::kNdjson:
      return FileFormat::kNdjson;
    case Format::kParquet:
      break;
  }
  return FileFormat::kParquet;
}

// DuckDB's text without its advice on parameters that a step cannot set, and without our SQL.
std::string without_advice(const std::string& text) {
  size_t end = text.size();
  for (const std::string_view advice :
       {"\nTry setting", "\n Try setting", "\nPossible fixes", "\nPossible Solution", "\n\nLINE "})
    end = std::min(end, text.find(advice));
  return std::string(trim(text.substr(0, end)));
}

// The script's output file, open.
class OutputFileReader {
 public:
  OutputFileReader(StepContext& step, const Contract& contract, std::string shown)
      : step_(step), contract_(contract), shown_(std::move(shown)) {}

  Status open(const std::filesystem::path& file) {
    file_ = FileDescriptor(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file_.is_open() && errno == ENOENT)
      return wrong("ended without writing its output",
                   "Write the rows to the file that the variable OSIRIS_OUTPUT names.");
    if (!file_.is_open() && errno == ELOOP) return wrong("left a symbolic link as its output", "Write a plain file.");
    if (!file_.is_open() && errno == ENXIO) return wrong("left no plain file as its output", "Write a plain file.");
    if (!file_.is_open()) return errno_error(errno, "cannot open the " + contract_.kind + "'s output", shown_);
    struct stat info{};
    if (::fstat(file_.get(), &info) != 0)
      return errno_error(errno, "cannot look at the " + contract_.kind + "'s output", shown_);
    if (S_ISDIR(info.st_mode)) return wrong("left a directory as its output", "Write one file.");
    if (!S_ISREG(info.st_mode)) return wrong("left no plain file as its output", "Write a plain file.");
    size_bytes_ = info.st_size;
    path_ = quote_literal("/proc/self/fd/" + std::to_string(file_.get()));
    return {};
  }

  Result<uint64_t> load() {
    auto rows = contract_.format == Format::kParquet ? load_parquet()
                : contract_.format == Format::kCsv   ? load_csv()
                                                     : load_ndjson();
    if (rows || rows.error().code == Code::kCancelled || rows.error().category == category::kTransformFailed)
      return rows;
    Error error = rows.error();
    if (error.message.find("non-record JSON") != std::string::npos)
      return wrong("left lines that are no JSON objects in its output",
                   "Write one object a line: {\"id\": 1, \"name\": \"x\"}.");
    error.message = without_advice(renamed(error.message, {{"/proc/self/fd/" + std::to_string(file_.get()), shown_}}));
    error = error.within(contract_.name + " left an output that cannot be read as " +
                         std::string(format_name(contract_.format)));
    if (error.hint.empty())
      error.hint =
          "The step's `format` says what the file has to hold; `columns` gives names and types that are not in the "
          "file.";
    error.category = category::kTransformFailed;
    return error;
  }

 private:
  Error wrong(std::string_view what, std::string_view hint) const {
    return Error(Code::kStepFailed, contract_.name + " " + std::string(what) + ", " + shown_, std::string(hint),
                 category::kTransformFailed);
  }

  Result<uint64_t> create(const std::string& select) {
    const std::string text = "CREATE TABLE " + step_.output_table().quoted() + " AS " + select;
    OSIRIS_ASSIGN(sql::QueryResult made, sql::run_query(step_.connection_handle(), text));
    return static_cast<uint64_t>(made.integer());
  }

  // The declared columns, or an error that names what differs.
  Status check_names(const std::vector<Column>& found) const {
    std::vector<std::string> missing, unknown;
    for (const auto& [name, type] : contract_.columns)
      if (std::none_of(found.begin(), found.end(), [&](const Column& c) { return c.name == name; }))
        missing.push_back(name);
    for (const Column& column : found)
      if (std::none_of(contract_.columns.begin(), contract_.columns.end(),
                       [&](const auto& c) { return c.first == column.name; }))
        unknown.push_back(column.name);
    if (missing.empty() && unknown.empty()) return {};
    std::string what = "left an output whose columns are not those of `columns`";
    if (!missing.empty()) what += "; missing: " + join(missing, ", ");
    if (!unknown.empty()) what += "; not declared: " + join(unknown, ", ");
    return wrong(what, "Write exactly the declared columns, or change `columns`.");
  }

  // Refuses a value that its declared type would change. `changes`: for each declared column the condition, or empty.
  Status check_kept(const std::string& source, const std::vector<std::string>& changes) const {
    OSIRIS_ASSIGN(const auto changed, changed_value(step_.connection_handle(), contract_.columns, changes, source));
    if (!changed) return {};
    return wrong("left " + changed->value + " for column '" + changed->column + "', and a " + changed->type +
                     " does not keep it as it is",
                 "Write values of that type, or change `columns`.");
  }

  // The declared columns of a Parquet file, where a type may be kept as another one.
  Result<std::string> declared_values(const std::string& source) const {
    const duckdb_connection connection = step_.connection_handle();
    OSIRIS_ASSIGN(const std::vector<FileColumn> in_file, described(connection, "SELECT * FROM " + source));
    std::string nulls, list;
    std::vector<std::string> changes;
    for (const auto& [name, type] : contract_.columns)
      nulls += (nulls.empty() ? "" : ", ") + ("CAST(NULL AS " + type + ")");
    OSIRIS_ASSIGN(const std::vector<FileColumn> wanted, described(connection, "SELECT " + nulls));
    for (size_t i = 0; i < wanted.size(); ++i) {
      const std::string& name = contract_.columns[i].first;
      const auto held =
          std::find_if(in_file.begin(), in_file.end(), [&](const FileColumn& c) { return c.name == name; });
      list += (list.empty() ? "" : ", ") + read_expression(name, held->type, wanted[i].type, FileReader::kScript);
      changes.push_back(value_changes(held->type.sql(), wanted[i].type.sql(), quote_identifier(name)));
    }
    OSIRIS_TRY(check_kept(source, changes));
    return list;
  }

  Result<uint64_t> load_parquet() {
    if (size_bytes_ == 0)
      return wrong("left an empty file as its output", "A Parquet file without rows still has a schema.");
    const std::string source = "read_parquet(" + path_ + ")";
    const duckdb_connection connection = step_.connection_handle();
    OSIRIS_ASSIGN(const ParquetLosses losses, parquet_losses(connection, path_));
    if (!losses.too_wide.empty()) return wrong("left an output that " + losses.too_wide, "Write it as text.");
    for (const std::string& name : losses.cut_to_microseconds)
      step_.log("column '" + name + "' holds nanoseconds with a time zone: they are read to the microsecond");
    if (contract_.columns.empty())
      return create_from_parquet(connection, step_.output_table(), path_, FileReader::kScript);
    OSIRIS_ASSIGN(const std::vector<Column> found, columns_of(connection, source));
    OSIRIS_TRY(check_names(found));
    OSIRIS_ASSIGN(const std::string values, declared_values(source));
    OSIRIS_ASSIGN(const uint64_t rows, create("SELECT " + values + " FROM " + source));
    OSIRIS_TRY(keep_comments(connection, step_.output_table(), path_));
    return rows;
  }

  Result<uint64_t> load_csv() {
    if (size_bytes_ == 0)
      return wrong("left an empty file as its output", "Write a header line even when there are no rows.");
    OSIRIS_ASSIGN(const std::vector<std::string> names, read_header());
    std::vector<Column> found;
    for (const std::string& name : names) found.push_back({name, "VARCHAR"});
    const std::string source = "read_csv(" + path_ +
                               ", auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
                               "strict_mode = true, allow_quoted_nulls = false, nullstr = '', columns = {" +
                               struct_of(found) + "})";
    const duckdb_connection connection = step_.connection_handle();
    if (!contract_.columns.empty()) {
      OSIRIS_TRY(check_names(found));
      OSIRIS_TRY(check_kept(source, changes_of_texts(contract_.columns, "")));
      return create("SELECT " + declared_casts(contract_.columns) + " FROM " + source);
    }
    // One look at every value decides; `007` is no number.
    std::string looks = "count(*)";
    for (const Column& column : found) {
      const std::string name = quote_identifier(column.name);
      const std::string whole = "bool_and(regexp_full_match(" + name + ", '-?(0|[1-9][0-9]*)'))";
      const std::string number =
          "bool_and(regexp_full_match(" + name + ", '-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?|-?inf|nan'))";
      looks += ", CASE WHEN count(" + name + ") = 0 THEN 'VARCHAR' WHEN bool_and(lower(" + name +
               ") IN ('true', 'false')) THEN 'BOOLEAN' WHEN " + whole + " AND bool_and(TRY_CAST(" + name +
               " AS BIGINT) IS NOT NULL OR " + name + " IS NULL) THEN 'BIGINT' WHEN " + whole +
               " AND bool_and(TRY_CAST(" + name + " AS HUGEINT) IS NOT NULL OR " + name +
               " IS NULL) THEN 'HUGEINT' WHEN " + whole + " THEN 'VARCHAR' WHEN " + number + " THEN " +
               type_of_numbers(name) + " ELSE 'VARCHAR' END";
    }
    OSIRIS_ASSIGN(sql::QueryResult types, sql::run_query(connection, "SELECT " + looks + " FROM " + source));
    if (types.integer(0) == 0) return create_untyped(found);
    std::string list;
    for (size_t i = 0; i < found.size(); ++i) {
      const std::string name = quote_identifier(found[i].name);
      list += (list.empty() ? "CAST(" : ", CAST(") + name + " AS " + types.text(i + 1) + ") AS " + name;
    }
    return create("SELECT " + list + " FROM " + source);
  }

  // Without rows a column goes with every SQL, as one that the CSV extractor reads.
  Result<uint64_t> create_untyped(const std::vector<Column>& columns) {
    std::string list;
    for (const Column& column : columns)
      list += (list.empty() ? "" : ", ") + quote_identifier(column.name) + " \"NULL\"";
    OSIRIS_TRY(
        sql::execute(step_.connection_handle(), "CREATE TABLE " + step_.output_table().quoted() + " (" + list + ")"));
    return uint64_t{0};
  }

  Result<std::vector<std::string>> read_header() const {
    std::string front(kHeaderBytesMax, '\0');
    const ssize_t got = ::pread(file_.get(), front.data(), front.size(), 0);
    if (got < 0) return errno_error(errno, "cannot read the " + contract_.kind + "'s output", shown_);
    front.resize(static_cast<size_t>(got));
    return read_csv_header(front, got == size_bytes_);
  }

  // 'name': 'TYPE', ...
  static std::string struct_of(const std::vector<Column>& columns) {
    std::string list;
    for (const Column& column : columns)
      list += (list.empty() ? "" : ", ") + quote_literal(column.name) + ": " + quote_literal(column.type);
    return list;
  }

  std::string ndjson(const std::vector<Column>& columns) const {
    return "read_json(" + path_ +
           ", format = 'newline_delimited', records = 'true', maximum_object_size = 268435456, " +
           (columns.empty() ? "sample_size = -1)" : "columns = {" + struct_of(columns) + "})");
  }

  Result<uint64_t> load_ndjson() {
    std::vector<Column> columns;
    for (const auto& [name, type] : contract_.columns) columns.push_back({name, type});
    const duckdb_connection connection = step_.connection_handle();
    if (size_bytes_ == 0 && columns.empty())
      return wrong("left an empty file as its output, which names no columns",
                   "Declare `columns` in the step's config: then no rows are fine too.");
    if (size_bytes_ == 0) {
      std::string nulls;
      for (const Column& column : columns)
        nulls += (nulls.empty() ? "CAST(NULL AS " : ", CAST(NULL AS ") + column.type + ") AS " +
                 quote_identifier(column.name);
      return create("SELECT " + nulls + " WHERE false");
    }
    OSIRIS_ASSIGN(std::vector<FileColumn> in_file, described(connection, "SELECT * FROM " + ndjson({})));
    std::vector<Column> found;
    for (const FileColumn& column : in_file) found.push_back({column.name, column.type.sql()});
    if (!columns.empty()) {
      // A key that no row has is a column of NULLs; one that was not declared is an error.
      for (const Column& column : columns)
        if (std::none_of(found.begin(), found.end(), [&](const Column& c) { return c.name == column.name; }))
          found.push_back(column);
      OSIRIS_TRY(check_names(found));
      OSIRIS_TRY(check_declared_json());
      // These are kept as text, which DuckDB's JSON reader does not look into.
      for (Column& column : columns)
        if (column.type.starts_with("BIT") || column.type.starts_with("BIGNUM") || column.type.starts_with("BLOB"))
          column.type = "VARCHAR" + column.type.substr(std::min(column.type.find('['), column.type.size()));
      return create("SELECT " + declared_casts(contract_.columns) + " FROM " + ndjson(columns));
    }
    const auto source_of = [&](const std::vector<Column>& texts) { return ndjson(texts); };
    OSIRIS_TRY(keep_digits(connection, in_file, source_of, [&](const std::string& line) { step_.log(line); }));
    for (size_t i = 0; i < found.size(); ++i) found[i].type = with_texts(in_file[i].type).sql();
    auto rows = create("SELECT * FROM " + ndjson(found));
    if (rows || rows.error().message.find("Failed to cast value to numerical") == std::string::npos) return rows;
    return create_with_wide_integers(std::move(found));
  }

  // Of the declared columns as JSON, before they are read by their types.
  Status check_declared_json() const {
    std::vector<Column> all, wide;
    std::vector<std::string> decimals;
    for (const auto& [name, type] : contract_.columns) {
      all.push_back({name, "JSON"});
      if (!type.starts_with("DECIMAL")) continue;
      wide.push_back({name, "JSON"});
      decimals.push_back(name);
    }
    if (!decimals.empty()) {
      OSIRIS_ASSIGN(const auto too_wide, too_wide_for_json(step_.connection_handle(), decimals, ndjson(wide)));
      if (too_wide)
        return wrong("left a number of more than 15 digits for column '" + *too_wide +
                         "', a DECIMAL, which a JSON number does not keep",
                     "Write it as text: \"12345678901234.56\".");
    }
    return check_kept(ndjson(all), changes_of_texts(contract_.columns, " ->> '$'"));
  }

  // DuckDB's look at the file takes every integer for a BIGINT, also one beyond it.
  Result<uint64_t> create_with_wide_integers(std::vector<Column> columns) {
    std::string looks;
    for (Column& column : columns) {
      if (column.type != "BIGINT" && column.type != "HUGEINT") continue;
      column.type = "HUGEINT";
      const std::string name = quote_identifier(column.name);
      looks += (looks.empty() ? "" : ", ") +
               ("CASE WHEN max(" + name + ") <= 9223372036854775807 OR max(" + name +
                ") IS NULL THEN 'BIGINT' WHEN min(" + name + ") >= 0 THEN 'UBIGINT' ELSE 'HUGEINT' END");
    }
    const std::string source = ndjson(columns);
    OSIRIS_ASSIGN(sql::QueryResult types,
                  sql::run_query(step_.connection_handle(), "SELECT " + looks + " FROM " + source));
    std::string list;
    idx_t next = 0;
    for (const Column& column : columns) {
      const std::string name = quote_identifier(column.name);
      list += (list.empty() ? "" : ", ") +
              (column.type == "HUGEINT" ? "CAST(" + name + " AS " + types.text(next++) + ") AS " + name : name);
    }
    return create("SELECT " + list + " FROM " + source);
  }

  StepContext& step_;
  const Contract& contract_;
  const std::string shown_;
  FileDescriptor file_;
  int64_t size_bytes_ = 0;
  std::string path_;  // as an SQL literal
};

}  // namespace

Result<std::vector<InputFile>> export_inputs(StepContext& step, const Contract& contract,
                                             const std::filesystem::path& directory) {
  std::vector<InputFile> files;
  const duckdb_connection connection = step.connection_handle();
  OSIRIS_TRY(make_directories(directory));
  for (const Input& input : step.inputs()) {
    const sql::TableName view{"temp", "main", input.name};
    const std::string source = view.quoted();
    const auto refused = [&](const Error& error) {
      Error named = error.within("cannot hand " + input.name + " to the " + contract.kind);
      if (named.category.empty()) named.category = category::kTransformInvalidInput;
      return named;
    };
    OSIRIS_ASSIGN(const std::vector<Column> shown, columns_of(connection, source));
    const auto columns = file_columns(connection, view, file_format(contract.format), FileReader::kScript);
    if (!columns.ok()) return refused(columns.error());
    InputFile file{input.name, input.from_step, directory / (input.name + std::string(file_suffix(contract.format))),
                   input.rows, Json::array()};
    for (size_t i = 0; i < shown.size(); ++i) {
      const bool has_type = (*columns)[i].type.id != DUCKDB_TYPE_SQLNULL;  // of a file without rows: text, as in pandas
      Json column = Json::object({{"name", shown[i].name}, {"type", has_type ? shown[i].type : "VARCHAR"}});
      if (has_type && (*columns)[i].is_kept_otherwise()) column.set("file_type", (*columns)[i].in_file.sql());
      file.columns.push_back(std::move(column));
    }
    const Status copied = write_file(connection, source, *columns, file_format(contract.format), file.path.string());
    if (!copied.ok()) return refused(copied.error());
    files.push_back(std::move(file));
  }
  return files;
}

Status declare_output(StepContext& step, const Contract& contract) {
  std::string list;
  for (const auto& [name, type] : contract.columns)
    list += (list.empty() ? "" : ", ") + quote_identifier(name) + " " + type;
  if (list.empty()) return Error(Code::kUnsupported, "the columns are known when it runs");
  return sql::execute(step.connection_handle(), "CREATE TABLE " + step.output_table().quoted() + " (" + list + ")");
}

Result<uint64_t> import_output(StepContext& step, const Contract& contract, const std::filesystem::path& file) {
  OutputFileReader reader(step, contract, file.filename().string());
  OSIRIS_TRY(reader.open(file));
  return reader.load();
}

StepOutcome outcome_of(const StepContext& step, uint64_t rows) {
  StepOutcome outcome;
  for (const Input& input : step.inputs()) outcome.rows_read += input.rows;
  if (step.inputs().empty()) outcome.rows_read = rows;
  return outcome;
}

}  // namespace osiris::worker::program
