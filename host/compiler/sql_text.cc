#include "host/compiler/sql_text.h"

#include <algorithm>

#include "protocol/base/text.h"
#include "protocol/model/shards.h"

namespace osiris {
namespace {

bool is_name_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         byte >= 0x80;
}

class Scanner {
 public:
  Scanner(std::string_view sql, SqlDialect dialect, bool backslash_escapes)
      : sql_(sql), dialect_(dialect), backslash_escapes_(backslash_escapes) {}

  SqlPlace place() const { return place_; }
  size_t at() const { return at_; }
  bool at_end() const { return at_ >= sql_.size(); }

  // Past the next byte, or past those that mean something together.
  void step() {
    switch (place_) {
      case SqlPlace::kCode:
        return step_code();
      case SqlPlace::kLineComment:
        if (sql_[at_++] == '\n') place_ = SqlPlace::kCode;
        return;
      case SqlPlace::kBlockComment:
        return step_block_comment();
      case SqlPlace::kDollarText:
        if (!take(tag_)) return void(++at_);
        place_ = SqlPlace::kCode;
        return;
      case SqlPlace::kText:
        return step_quoted('\'');
      case SqlPlace::kName:
        return step_quoted('"');
      case SqlPlace::kBackticks:
        return step_quoted('`');
    }
  }

 private:
  bool take(std::string_view text) {
    if (!sql_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  void enter(SqlPlace place, size_t bytes) {
    place_ = place;
    at_ += bytes;
  }

  void step_code() {
    const char c = sql_[at_];
    const bool is_mysql = dialect_ == SqlDialect::kMysql;
    if (c == '\'') {
      const bool follows_e =
          at_ > 0 && (sql_[at_ - 1] == 'e' || sql_[at_ - 1] == 'E') && (at_ == 1 || !is_name_byte(sql_[at_ - 2]));
      escapes_ = is_mysql ? backslash_escapes_ : follows_e;
      return enter(SqlPlace::kText, 1);
    }
    if (c == '"') {
      escapes_ = is_mysql && backslash_escapes_;
      return enter(SqlPlace::kName, 1);
    }
    if (c == '`' && is_mysql) {
      escapes_ = false;
      return enter(SqlPlace::kBackticks, 1);
    }
    if (c == '$' && !is_mysql && (at_ == 0 || (!is_name_byte(sql_[at_ - 1]) && sql_[at_ - 1] != '$')))
      return step_dollar();
    if ((is_mysql && c == '#') || begins_dashes()) return enter(SqlPlace::kLineComment, 1);
    const bool is_executable =
        is_mysql && (sql_.substr(at_).starts_with("/*!") || sql_.substr(at_).starts_with("/*M!"));
    if (!is_executable && sql_.substr(at_).starts_with("/*")) {
      depth_ = 1;
      return enter(SqlPlace::kBlockComment, 2);
    }
    ++at_;
  }

  // In MySQL a blank has to follow.
  bool begins_dashes() const {
    if (!sql_.substr(at_).starts_with("--")) return false;
    return dialect_ != SqlDialect::kMysql || at_ + 2 >= sql_.size() || static_cast<unsigned char>(sql_[at_ + 2]) <= ' ';
  }

  void step_dollar() {
    size_t end = at_ + 1;
    while (end < sql_.size() && is_name_byte(sql_[end])) ++end;
    const bool starts_with_digit = end > at_ + 1 && sql_[at_ + 1] >= '0' && sql_[at_ + 1] <= '9';
    if (end >= sql_.size() || sql_[end] != '$' || starts_with_digit) return void(++at_);
    tag_ = sql_.substr(at_, end + 1 - at_);
    enter(SqlPlace::kDollarText, tag_.size());
  }

  void step_block_comment() {
    if (take("*/")) {
      if (--depth_ == 0) place_ = SqlPlace::kCode;
    } else if (dialect_ == SqlDialect::kDuckdb && take("/*")) {
      ++depth_;
    } else {
      ++at_;
    }
  }

  void step_quoted(char quote) {
    if (sql_[at_] == '\\' && escapes_) {
      at_ += 2;
    } else if (sql_[at_] != quote) {
      ++at_;
    } else if (at_ + 1 < sql_.size() && sql_[at_ + 1] == quote) {
      at_ += 2;
    } else {
      enter(SqlPlace::kCode, 1);
    }
  }

  std::string_view sql_;
  SqlDialect dialect_;
  bool backslash_escapes_;
  size_t at_ = 0;
  SqlPlace place_ = SqlPlace::kCode;
  bool escapes_ = false;  // in the quotes that are open
  int depth_ = 0;         // of nested comments
  std::string_view tag_;  // that closes the text
};

const YamlNode* first_of(const YamlNode& step, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const YamlNode* found = step.find(key)) return found;
  return nullptr;
}

}  // namespace

namespace {

// The queries of its checks.
void add_checks(const YamlNode& step, const std::string& location, SqlTexts& texts) {
  const YamlNode* checks = step.find("checks");
  if (!checks) return;
  for (size_t i = 0; i < checks->items.size(); ++i)
    if (const YamlNode* text = checks->items[i].find("sql"); text && text->is_string())
      texts[text] = {SqlDialect::kDuckdb, location + ".checks[" + std::to_string(i) + "].sql"};
}

}  // namespace

SqlTexts find_sql(const YamlNode& root, const ComponentRegistry& registry) {
  SqlTexts texts;
  const YamlNode* steps = root.find("steps");
  if (!steps) return texts;
  for (size_t i = 0; i < steps->items.size(); ++i) {
    const YamlNode& step = steps->items[i];
    add_checks(step, "steps[" + std::to_string(i) + "]", texts);
    const YamlNode* component = first_of(step, {"component", "uses"});
    const YamlNode* config = first_of(step, {"config", "with"});
    const ComponentSpec* spec = component ? registry.find(component->text()) : nullptr;
    if (!spec || !config) continue;
    for (const auto& [key, dialect] : spec->sql) {
      const YamlNode* text = config->find(key);
      if (!text || !text->is_string()) continue;
      texts[text] = {dialect == "mysql" ? SqlDialect::kMysql : SqlDialect::kDuckdb,
                     "steps[" + std::to_string(i) + "].config." + key};
    }
  }
  return texts;
}

std::vector<SqlPosition> positions_in(std::string_view sql, SqlDialect dialect, const std::vector<size_t>& offsets,
                                      bool backslash_escapes) {
  Scanner scanner(sql, dialect, backslash_escapes);
  std::vector<SqlPosition> positions;
  SqlPlace before = scanner.place();  // the last step
  for (const size_t offset : offsets) {
    while (scanner.at() < offset && !scanner.at_end()) {
      before = scanner.place();
      scanner.step();
    }
    const bool is_between = scanner.at() <= offset;
    positions.push_back({is_between ? scanner.place() : before, is_between});
  }
  return positions;
}

std::vector<std::string> bound_names_in(std::string_view sql, SqlDialect dialect) {
  std::vector<std::string> names;
  for (Scanner scanner(sql, dialect, true); !scanner.at_end(); scanner.step()) {
    const size_t at = scanner.at();
    if (sql[at] != '$' || scanner.place() != SqlPlace::kCode) continue;
    const char before = at > 0 ? sql[at - 1] : ' ';
    size_t end = at + 1;
    while (end < sql.size() && is_name_byte(sql[end])) ++end;
    const bool is_whole = !is_name_byte(before) && before != '$' && before != '@' && before != '.' &&
                          (end == sql.size() || sql[end] != '$');
    if (!is_whole || end == at + 1 || (sql[at + 1] >= '0' && sql[at + 1] <= '9')) continue;
    std::string name(sql.substr(at + 1, end - at - 1));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

namespace {

// Why the SQL does not use the value, although its author may think so.
std::string hint_for_unused(const std::string& key, const std::string& sql, SqlDialect dialect) {
  const std::string name = "$" + key;
  if (bound_names_in("SELECT " + name, dialect) != std::vector{key})
    return "a name begins with a letter and goes on with letters, digits and '_': give the value such a name";
  if (sql.find(name) != std::string::npos)
    return name + " stands in quotes or in a comment there: take it out of them, the value needs no quotes";
  return "write " + name + " in the SQL, or remove the value";
}

}  // namespace

void check_bound_names(const YamlNode& sql, const SqlText& text, const YamlNode* values, bool has_shard,
                       Diagnostics& diagnostics) {
  // Names of columns may begin with '$' in MySQL, and DuckDB knows no case.
  if (!values && text.dialect == SqlDialect::kMysql) return;
  const auto spelt = [&](const std::string& name) {
    return text.dialect == SqlDialect::kDuckdb ? ascii_lower(name) : name;
  };
  std::map<std::string, const YamlNode::Member*> unused;
  std::vector<std::string> known;
  for (size_t i = 0; values && i < values->members.size(); ++i) {
    unused[spelt(values->members[i].key)] = &values->members[i];
    known.push_back(values->members[i].key);
  }
  const auto all = unused;
  if (const auto taken = all.find(kShardValueName); has_shard && taken != all.end())
    diagnostics.error("invalid_shard_text", "'values' gives $shard a value, which is the shard's", text.location,
                      taken->second->key_mark, "give the value another name");
  for (const std::string& name : bound_names_in(sql.text(), text.dialect)) {
    unused.erase(spelt(name));
    if (all.contains(spelt(name)) || (has_shard && spelt(name) == kShardValueName)) continue;
    const auto near = nearest(name, known);
    diagnostics.error("missing_sql_value", "The SQL uses $" + name + ", and 'values' holds no '" + name + "'",
                      text.location, sql.mark,
                      near ? "did you mean $" + *near + "?" : "add it beside the SQL: values: {" + name + ": ...}");
  }
  for (const auto& [name, member] : unused)
    diagnostics.error("unused_sql_value", "'values' holds '" + member->key + "', which the SQL does not use",
                      text.location, member->key_mark, hint_for_unused(member->key, sql.text(), text.dialect));
}

}  // namespace osiris
