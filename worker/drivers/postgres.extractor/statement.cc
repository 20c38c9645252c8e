#include "worker/drivers/postgres.extractor/statement.h"

#include <algorithm>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::postgres {
namespace {

Error unusable(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "PostgreSQL query failed: " + what, hint, category::kExtractQueryFailed);
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Result<std::string> literal(const std::string& name, const Json& value) {
  if (value.is_string()) {
    if (value.as_string().find('\0') != std::string::npos)
      return unusable("the value '" + name + "' holds a NUL character", "PostgreSQL has no text that does");
    return sql::quote_literal(value.as_string());
  }
  if (value.is_null()) return std::string("NULL");
  if (value.is_bool()) return std::string(value.as_bool() ? "TRUE" : "FALSE");
  // In parentheses: the '-' of a number beside one of the query would begin a comment.
  if (value.is_double()) return "(" + format_double(value.as_double()) + ")";
  if (value.is_int()) return "(" + value.dump() + ")";
  return unusable("the value '" + name + "' holds a " + std::string(value.type_name()) + ", which SQL has no type for",
                  "use plain values, or a list of them");
}

class Reader {
 public:
  Reader(std::string_view sql, const Json& values) : sql_(sql), values_(values) {
    for (const auto& [name, value] : values_.members()) known_.push_back(name);
    unused_ = known_;
  }

  Result<std::string> run() {
    while (at_ < sql_.size()) {
      const size_t end = end_of_quoted();
      if (end > at_) {
        take(end);
      } else if (sql_[at_] == '$') {
        OSIRIS_TRY(take_value());
      } else if (sql_[at_] == ';') {
        ++at_;
        skip_blanks();
        if (at_ < sql_.size()) return unusable("it holds more than one statement", "write one SELECT");
      } else if (is_name_start(sql_[at_])) {
        size_t word = at_;
        while (word < sql_.size() && (is_name(sql_[word]) || sql_[word] == '$')) ++word;
        take(word);
      } else {
        take(at_ + 1);
      }
    }
    if (!unused_.empty())
      return unusable("`values:` holds '" + unused_.front() + "', which the query does not use",
                      "write $" + unused_.front() + " in the query, or remove the value");
    return std::move(text_);
  }

 private:
  bool starts_with(std::string_view text) const { return sql_.substr(at_).starts_with(text); }
  void take(size_t end) {
    text_ += sql_.substr(at_, end - at_);
    at_ = end;
  }
  size_t past(std::string_view what, size_t from) const {
    const size_t found = sql_.find(what, from);
    return found == std::string_view::npos ? sql_.size() : found + what.size();
  }
  void skip_blanks() {
    for (size_t before = SIZE_MAX; before != at_;) {
      before = at_;
      while (at_ < sql_.size() && is_blank(sql_[at_])) ++at_;
      if (starts_with("--") || starts_with("/*")) at_ = end_of_quoted();
    }
  }

  // The end of the text, name or comment that begins here; at_ where none does.
  size_t end_of_quoted() const {
    if (starts_with("--")) return past("\n", at_);
    if (starts_with("/*")) return end_of_comment();
    if (sql_[at_] == '"') return end_of_text('"', at_, false);
    if (sql_[at_] == '\'') return end_of_text('\'', at_, false);
    if (starts_with("E'") || starts_with("e'")) return end_of_text('\'', at_ + 1, true);
    if (sql_[at_] == '$') return end_of_dollar_text();
    return at_;
  }
  // Comments nest.
  size_t end_of_comment() const {
    size_t at = at_ + 2;
    for (int depth = 1; at < sql_.size() && depth > 0;) {
      const std::string_view two = sql_.substr(at, 2);
      depth += two == "/*" ? 1 : two == "*/" ? -1 : 0;
      at += two == "/*" || two == "*/" ? 2 : 1;
    }
    return at;
  }
  // A doubled quote is one of the text, as two texts side by side are one.
  size_t end_of_text(char quote, size_t from, bool backslashes) const {
    size_t end = from + 1;
    while (end < sql_.size() && sql_[end] != quote) end += backslashes && sql_[end] == '\\' ? 2 : 1;
    return std::min(end + 1, sql_.size());
  }
  // $$ ... $$ and $tag$ ... $tag$.
  size_t end_of_dollar_text() const {
    size_t tag_end = at_ + 1;
    while (tag_end < sql_.size() && is_name(sql_[tag_end])) ++tag_end;
    if (tag_end >= sql_.size() || sql_[tag_end] != '$' || (at_ + 1 < tag_end && !is_name_start(sql_[at_ + 1])))
      return at_;
    const std::string_view tag = sql_.substr(at_, tag_end + 1 - at_);
    return past(tag, tag_end + 1);
  }

  Status take_value() {
    size_t end = at_ + 1;
    while (end < sql_.size() && is_name(sql_[end])) ++end;
    const std::string name(sql_.substr(at_ + 1, end - at_ - 1));
    if (name.empty() || !is_name_start(name[0])) {
      if (!name.empty())
        return unusable("it holds a parameter mark ($" + name + ")", "name each value in the query: $name");
      take(at_ + 1);
      return {};
    }
    const Json* value = values_.find(name);
    if (!value) {
      const auto near = nearest(name, known_);
      return unusable("it uses $" + name + ", and `values:` holds no '" + name + "'",
                      near ? "did you mean $" + *near + "?" : "add it: values: {" + name + ": ...}");
    }
    std::erase(unused_, name);
    if (value->is_array() && value->items().empty())
      return unusable("the list '" + name + "' is empty, and IN () is no SQL",
                      "give it an item, or leave the filter out");
    std::vector<std::string> literals;
    for (const Json& item : value->items()) {
      OSIRIS_ASSIGN(std::string one, literal(name, item));
      literals.push_back(std::move(one));
    }
    if (!value->is_array()) {
      OSIRIS_ASSIGN(std::string one, literal(name, *value));
      literals.push_back(std::move(one));
    }
    text_ += join(literals, ", ");
    at_ = end;
    return {};
  }

  std::string_view sql_;
  const Json& values_;
  std::vector<std::string> known_, unused_;
  size_t at_ = 0;
  std::string text_;
};

}  // namespace

Result<std::string> one_statement(std::string_view query, const Json& values) { return Reader(query, values).run(); }

}  // namespace osiris::worker::postgres
