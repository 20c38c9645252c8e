#include "tests/supabase/filters.h"

#include <algorithm>
#include <map>

namespace osiris::test {
namespace {

// Reads from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void expect(std::string_view what) {
    if (!take(what))
      throw ParseError("unexpected \"" + std::string(text_.substr(at_, 10)) + "\" expecting \"" + std::string(what) +
                       "\"");
  }
  std::string_view rest() const { return text_.substr(at_); }

  // A name: plain characters, or anything in double quotes.
  std::string name() {
    if (take("\"")) return quoted();
    const size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) throw ParseError("unexpected \"" + std::string(rest().substr(0, 10)) + "\" expecting a field");
    return std::string(text_.substr(begin, at_ - begin));
  }
  // A value in a list: in double quotes, or up to one of `ends`.
  std::string value(std::string_view ends) {
    if (take("\"")) return quoted();
    const size_t begin = at_;
    at_ = std::min(text_.find_first_of(ends, at_), text_.size());
    return std::string(text_.substr(begin, at_ - begin));
  }

 private:
  static bool is_name(char c) {
    return c == '_' || c == ' ' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  }
  std::string quoted() {
    std::string plain;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      plain += text_[at_];
    }
    expect("\"");
    return plain;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string operator_of(Reader& reader) {
  static const std::map<std::string, std::string> kOperators = {
      {"eq", "="},  {"neq", "<>"}, {"gt", ">"},      {"gte", ">="},      {"lt", "<"},  {"lte", "<="},
      {"in", "IN"}, {"is", "IS"},  {"like", "LIKE"}, {"ilike", "ILIKE"}, {"cs", "@>"}, {"cd", "<@"}};
  const std::string name = reader.name();
  const auto known = kOperators.find(name);
  if (known == kOperators.end()) throw ParseError("unexpected \"" + name + "\" expecting operator (eq, gt, ...)");
  reader.expect(".");
  return known->second;
}

std::string list_of(Reader& reader) {
  reader.expect("(");
  std::string list;
  while (!reader.take(")")) {
    if (!list.empty()) reader.expect(",");
    list += (list.empty() ? "" : ", ") + quote_text(reader.value(",)"));
  }
  return list;
}

// not.eq.value: the value up to the end of a parameter, or up to the next comma of a logic tree.
std::string condition(const std::string& column, Reader& reader, bool is_in_tree) {
  const bool is_negated = reader.take("not.");
  const std::string sign = operator_of(reader);
  std::string sql = quote_name(column) + " " + sign + " ";
  if (sign == "IN") {
    const std::string list = list_of(reader);
    sql = list.empty() ? "false" : sql + "(" + list + ")";
  } else {
    std::string value = is_in_tree ? reader.value(",)") : std::string(reader.rest());
    if (sign == "IS" && value != "null" && value != "true" && value != "false" && value != "unknown")
      throw ParseError("unexpected \"" + value + "\" expecting null or trilean value");
    if (sign == "LIKE" || sign == "ILIKE") std::replace(value.begin(), value.end(), '*', '%');
    sql += sign == "IS" ? value : quote_text(value);
  }
  return is_negated ? "NOT (" + sql + ")" : sql;
}

std::string tree(Reader& reader, const std::string& word);

// One of the things that and() and or() join.
std::string node(Reader& reader) {
  const bool is_negated = reader.take("not.");
  for (const char* word : {"and", "or"})
    if (reader.rest().starts_with(std::string(word) + "(")) {
      reader.take(word);
      return (is_negated ? "NOT " : "") + tree(reader, word);
    }
  const std::string column = reader.name();
  reader.expect(".");
  const std::string sql = condition(column, reader, true);
  return is_negated ? "NOT (" + sql + ")" : sql;
}

std::string tree(Reader& reader, const std::string& word) {
  reader.expect("(");
  std::string sql;
  do sql += (sql.empty() ? "" : " " + word + " ") + node(reader);
  while (reader.take(","));
  reader.expect(")");
  return "(" + sql + ")";
}

bool is_filter(const std::string& name) {
  for (const char* own : {"select", "order", "limit", "offset", "columns", "on_conflict", "apikey"})
    if (name == own) return false;
  return true;
}

std::string quote(std::string_view text, char mark) {
  std::string quoted(1, mark);
  for (const char c : text) {
    if (c == mark) quoted += mark;
    quoted += c;
  }
  return quoted + mark;
}

}  // namespace

std::string quote_name(std::string_view name) { return quote(name, '"'); }
std::string quote_text(std::string_view text) { return quote(text, '\''); }

std::string where_of(const Parameters& parameters) {
  std::string sql;
  for (const auto& [name, value] : parameters) {
    if (!is_filter(name)) continue;
    Reader reader(value);
    sql += sql.empty() ? " WHERE " : " AND ";
    if (name == "or" || name == "and") {
      sql += tree(reader, name);
      if (!reader.at_end()) throw ParseError("unexpected \"" + std::string(reader.rest().substr(0, 10)) + "\"");
    } else {
      Reader of_name(name);
      sql += condition(of_name.name(), reader, false);
    }
  }
  return sql;
}

std::string select_of(const std::string& select) {
  if (select.empty() || select == "*") return "*";
  Reader reader(select);
  std::string list;
  do {
    list += list.empty() ? "" : ", ";
    if (reader.take("*")) {
      list += "*";
      continue;
    }
    std::string name = reader.name(), column = name, cast;
    if (!reader.rest().starts_with("::") && reader.take(":")) column = reader.name();
    if (reader.take("::")) cast = "::" + reader.value(",");
    list += quote_name(column) + cast + " AS " + quote_name(name);
  } while (reader.take(","));
  if (!reader.at_end()) throw ParseError("unexpected \"" + std::string(reader.rest().substr(0, 10)) + "\" in select");
  return list;
}

std::string order_of(const std::string& order) {
  if (order.empty()) return "";
  Reader reader(order);
  std::string sql;
  do {
    sql += sql.empty() ? " ORDER BY " : ", ";
    sql += quote_name(reader.name());
    while (reader.take(".")) {
      const std::string word = reader.name();
      if (word == "asc" || word == "desc")
        sql += " " + word;
      else if (word == "nullsfirst" || word == "nullslast")
        sql += word == "nullsfirst" ? " NULLS FIRST" : " NULLS LAST";
      else
        throw ParseError("unexpected \"" + word + "\" in order");
    }
  } while (reader.take(","));
  return sql;
}

std::vector<std::string> names_of(const std::string& list) {
  std::vector<std::string> names;
  if (list.empty()) return names;
  Reader reader(list);
  do names.push_back(reader.name());
  while (reader.take(","));
  return names;
}

}  // namespace osiris::test
