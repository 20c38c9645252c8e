#include "worker/database/script_errors.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/database/access.h"

namespace osiris::worker {
namespace {

// The word that follows `what` in the engine's text: the table it did not find.
std::string name_after(const std::string& text, std::string_view what) {
  const size_t at = text.find(what);
  if (at == std::string::npos) return {};
  const size_t begin = at + what.size();
  return text.substr(begin, text.find_first_of(" !\n", begin) - begin);
}

std::string inputs_hint(const ScriptTarget& target) {
  if (target.inputs.empty()) return "This step has no inputs: name the steps it reads in `needs`.";
  return "This step reads " + join(target.inputs_shown, ", ") + "; name further steps in `needs`.";
}

// The input that `name` was meant for: "people" and "read-people" for df_read_people.
std::optional<std::string> meant_input(const std::string& name, const ScriptTarget& target) {
  std::string written = ascii_lower(name);
  std::replace(written.begin(), written.end(), '-', '_');
  for (const std::string& input : target.inputs)
    if (input == written || input == "df_" + written) return input;
  if (const auto near = nearest(written, target.inputs)) return near;
  for (const std::string& input : target.inputs)
    if (written.size() >= 3 && input.ends_with("_" + written)) return input;
  return std::nullopt;
}

// A step's id stands in the SQL as it is written in the pipeline, dashes included.
std::optional<std::string> dashed_input(std::string_view sql, const ScriptTarget& target) {
  for (const std::string& input : target.inputs) {
    for (std::string_view plain :
         {std::string_view(input), std::string_view(input).substr(std::min<size_t>(3, input.size()))}) {
      for (size_t at = 0; at + plain.size() <= sql.size(); ++at) {
        bool has_dash = false;
        size_t i = 0;
        for (; i < plain.size(); ++i) {
          const char c = sql[at + i];
          if (c == plain[i]) continue;
          if (c != '-' || plain[i] != '_') break;
          has_dash = true;
        }
        if (i == plain.size() && has_dash && plain.size() >= 3) return input;
      }
    }
  }
  return std::nullopt;
}

Error sql_error(const std::string& text, const ScriptTarget& target) {
  Error error(Code::kStepFailed, "the SQL failed: " + text, "", category::kTransformFailed);
  if (text.starts_with("Catalog Error: Table with name ") && text.find("does not exist") != std::string::npos) {
    // The engine would suggest tables of its own.
    error = no_such_table(name_after(text, "Table with name "), target);
    if (const size_t line = text.find("\n\nLINE "); line != std::string::npos) error.message += text.substr(line);
    return error;
  }
  constexpr std::string_view kNear = "syntax error at or near \"";
  if (const size_t at = text.find(kNear); at != std::string::npos) {
    static const std::vector<std::string> kWords = {"SELECT", "FROM",   "WHERE", "WITH",   "GROUP",    "ORDER", "LIMIT",
                                                    "JOIN",   "HAVING", "UNION", "CREATE", "DISTINCT", "VALUES"};
    const std::string word = text.substr(at + kNear.size(), text.find('"', at + kNear.size()) - at - kNear.size());
    std::string upper = word;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    const bool is_word = std::find(kWords.begin(), kWords.end(), upper) != kWords.end();
    const auto near = is_word ? std::nullopt : nearest(upper, kWords);
    error.hint = near ? "Did you mean " + *near + "?"
                      : "Look at what stands before it: a comma, a parenthesis or a word is missing or too much.";
  }
  return error;
}

// A name with a schema is tried as a file at last: "public.people". Empty for what is meant as a file.
std::string table_taken_for_file(const std::string& text) {
  constexpr std::string_view kFiles = "cannot reach files (\"";
  const size_t at = text.find(kFiles);
  if (at == std::string::npos) return {};
  const size_t begin = at + kFiles.size();
  const std::string name = text.substr(begin, text.find('"', begin) - begin);
  static constexpr std::string_view kSuffixes[] = {".csv",  ".tsv",    ".txt",   ".gz", ".zst", ".parquet",
                                                   ".json", ".ndjson", ".jsonl", ".db", ".xlsx"};
  const bool is_file = name.find_first_of("/*?\\:") != std::string::npos ||
                       std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                                   [&](std::string_view suffix) { return name.ends_with(suffix); });
  return is_file || name.find('.') == std::string::npos ? std::string() : name.substr(name.rfind('.') + 1);
}

struct OtherName {
  std::string_view theirs, ours;
};
constexpr OtherName kOtherNames[] = {
    {"date_format", "strftime(value, '%Y-%m-%d')"},
    {"to_char", "strftime(value, '%Y-%m-%d')"},
    {"str_to_date", "strptime(text, '%Y-%m-%d')"},
    {"to_date", "strptime(text, '%Y-%m-%d')"},
    {"from_unixtime", "to_timestamp(seconds)"},
    {"unix_timestamp", "epoch(value)"},
    {"curdate", "current_date"},
    {"getdate", "now()"},
    {"sysdate", "now()"},
    {"nvl", "coalesce(a, b)"},
    {"isnull", "coalesce(a, b)"},
    {"charindex", "instr(text, part)"},
    {"find_in_set", "list_position(string_split(list, ','), text)"},
};

// Other dialects' signs that the engine takes for something else, or fails at when it wants to give advice.
std::optional<Error> syntax_of_another_dialect(const Error& failed, std::string_view sql) {
  const auto at = [&](size_t offset, const char* message, const char* hint) {
    Error error = failed;
    error.message = std::string("the SQL failed: ") + message;
    error.hint = hint;
    error.detail = Json::object({{kSqlOffset, uint64_t{offset}}});
    return error;
  };
  const std::string words = failed.message.substr(0, failed.message.find('\n'));
  if (const size_t tick = sql.find('`'); tick != std::string_view::npos && words.find('`') != std::string::npos)
    return at(tick, "a backtick quotes no name here", "Names stand in double quotes or in none: \"id\", not `id`.");
  if (const size_t limit = ascii_lower(sql).rfind("limit");
      limit != std::string::npos && words.find("errhint NOT IMPLEMENTED") != std::string::npos)
    return at(limit, "LIMIT takes one number", "Write LIMIT <rows> OFFSET <rows to skip>.");
  return std::nullopt;
}

// What another dialect calls it, in this one. Empty where nothing is known. `offset`: of the fault, npos if unknown.
std::string hint_of_dialect(const std::string& message, std::string_view sql, size_t offset) {
  const std::string lower = ascii_lower(sql);
  if (lower.find("select top ") != std::string::npos && message.find("syntax error") != std::string::npos)
    return "There is no TOP: write LIMIT and the number at the end.";
  if (message.find("Can only delete from") != std::string::npos || message.find("Can only update") != std::string::npos)
    return "A step's inputs cannot be changed: SELECT the rows as they should be.";
  constexpr std::string_view kColumn = "Referenced column \"";
  if (const size_t at = message.find(kColumn); at != std::string::npos && offset < sql.size() && sql[offset] == '"') {
    const size_t begin = at + kColumn.size();
    return "Double quotes are for names; a text stands in single ones: '" +
           message.substr(begin, message.find('"', begin) - begin) + "'.";
  }
  constexpr std::string_view kFunction = "Function with name ";
  const std::string name = ascii_lower(name_after(message, kFunction));
  for (const OtherName& other : kOtherNames)
    if (!name.empty() && name == other.theirs) return "It is written " + std::string(other.ours) + " here.";
  return {};
}

// Without the engine's stack trace, its advice to change settings (which a step cannot), and the blank lines at its
// end.
std::string readable(const std::string& message) {
  const size_t end = std::min(message.find("\n\nStack Trace"), message.find("\nPossible solutions:"));
  return std::string(trim(std::string_view(message).substr(0, end)));
}

Error kind_of_error(const duckdb::ErrorData& data, const ScriptTarget& target) {
  const std::string text = readable(data.Message());
  switch (data.Type()) {
    case duckdb::ExceptionType::INTERRUPT:
      return Error(Code::kCancelled, "the query was interrupted");
    case duckdb::ExceptionType::OUT_OF_MEMORY:
      return Error(Code::kExhausted, "the query ran out of memory: " + text,
                   "Allow more with --memory-limit, or free space for spilling.", category::kRuntimeMemoryExceeded);
    case duckdb::ExceptionType::IO:
      return Error(Code::kExhausted, "the query could not spill to disk: " + text,
                   "Free space in the session directory.", category::kWriteDiskFull);
    case duckdb::ExceptionType::PERMISSION: {
      if (const std::string table = table_taken_for_file(text); !table.empty()) return no_such_table(table, target);
      Error error = refused("this");
      error.message = "the SQL was refused: " + text.substr(text.starts_with("Permission Error: ") ? 18 : 0);
      return error;
    }
    case duckdb::ExceptionType::INTERNAL:
    case duckdb::ExceptionType::FATAL:
      return Error(Code::kInternal, "the SQL engine failed: " + text, "This is a bug: report it with the query.");
    default:
      if (const std::string function = removed_function_in(text); !function.empty()) return refused(function + "()");
      return sql_error(text, target);
  }
}

// The place that the engine has only drawn: "LINE 2: ...FROM people JOIN x" and a caret below.
std::optional<uint64_t> drawn_offset(const std::string& message, std::string_view sql) {
  size_t at = message.find("\nLINE ");
  if (at == std::string::npos) return std::nullopt;
  at += 6;
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(message.data() + at, message.data() + message.size(), number);
  if (failed != std::errc() || number == 0) return std::nullopt;
  const size_t prefix_begin = message.rfind('\n', at) + 1;
  const size_t text_begin = static_cast<size_t>(end - message.data()) + 2;  // behind ": "
  const size_t line_end = message.find('\n', text_begin);
  const size_t caret = message.find('^', line_end == std::string::npos ? message.size() : line_end);
  if (caret == std::string::npos) return std::nullopt;
  const size_t column = caret - (line_end + 1);
  if (column < text_begin - prefix_begin) return std::nullopt;
  std::string_view shown = std::string_view(message).substr(text_begin, line_end - text_begin);
  size_t inside = column - (text_begin - prefix_begin);
  if (shown.starts_with("...") && inside >= 3) shown.remove_prefix(3), inside -= 3;
  if (shown.ends_with("...")) shown.remove_suffix(3);
  size_t begin = 0;
  for (uint64_t line = 1; line < number; ++line) {
    begin = sql.find('\n', begin);
    if (begin == std::string_view::npos) return std::nullopt;
    ++begin;
  }
  const std::string_view line = sql.substr(begin, sql.find('\n', begin) - begin);
  const size_t found = line.find(shown);
  if (found == std::string_view::npos || found + inside > line.size()) return std::nullopt;
  return begin + found + inside;
}

}  // namespace

Error no_such_table(const std::string& name, const ScriptTarget& target) {
  const auto meant = meant_input(name, target);
  return Error(Code::kStepFailed, "the SQL failed: there is no table " + name,
               (meant ? "Did you mean " + *meant + "? " : "") + inputs_hint(target), category::kTransformFailed);
}

Error refused(std::string_view what) {
  return Error(Code::kStepFailed, "a step's SQL cannot use " + std::string(what),
               "A step may SELECT from its inputs and CREATE, INSERT, UPDATE, DELETE, MERGE, DROP, ALTER and EXPLAIN "
               "with tables "
               "it makes itself. Read files and databases in an extractor step.",
               category::kTransformInvalidInput);
}

Error engine_error(const duckdb::ErrorData& data, const ScriptTarget& target) {
  Error error = kind_of_error(data, target);
  const auto found = data.ExtraInfo().find("position");
  if (found == data.ExtraInfo().end()) return error;
  uint64_t offset = 0;
  const auto [end, failed] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), offset);
  if (failed == std::errc()) error.detail = Json::object({{kSqlOffset, offset}});
  return error;
}

Error constant_error(const ConstantFault& fault, const BoundValues& values, const ScriptTarget& target) {
  Error error = engine_error(fault.error, target);
  error.detail = Json::object({{kDependsOnTypes, fault.depends_on_types}});
  if (fault.offset) error.detail.set(kSqlOffset, *fault.offset);
  if (fault.only_some_rows) error.detail.set(kOnlySomeRows, true);
  error.hint = "Correct the constant; TRY_CAST and TRY() give NULL where a value cannot be read.";
  for (const auto& [name, value] : values) {
    if (value.GetValue().type().id() != duckdb::LogicalTypeId::VARCHAR) continue;
    if (error.message.find(value.GetValue().ToString()) == std::string::npos) continue;
    error.hint = "It is the value of $" + name + ": give `" + name + "` the type that the SQL compares it with.";
  }
  return error;
}

Error in_text(Error error, std::string_view sql, const ScriptTarget& target) {
  if (error.detail.is_null())
    if (const auto offset = drawn_offset(error.message, sql)) error.detail = Json::object({{kSqlOffset, *offset}});
  if (error.code != Code::kStepFailed || error.message.find("there is no table") != std::string::npos) return error;
  if (const auto other = syntax_of_another_dialect(error, sql)) return *other;
  const Json& place = error.detail[kSqlOffset];
  const size_t offset = place.is_int() ? place.as_uint() : std::string::npos;
  if (std::string hint = hint_of_dialect(error.message, sql, offset); !hint.empty()) {
    error.hint = std::move(hint);
    // The engine's own guess is another one.
    const size_t guess = error.message.find("Did you mean \"");
    if (guess != std::string::npos) error.message = std::string(trim(std::string_view(error.message).substr(0, guess)));
  } else if (const auto meant = dashed_input(sql, target)) {
    error.hint = "In SQL the step's rows are named " + *meant + ": '-' becomes '_'.";
  }
  return error;
}

}  // namespace osiris::worker
