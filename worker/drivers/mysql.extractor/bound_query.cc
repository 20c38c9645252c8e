#include "worker/drivers/mysql.extractor/bound_query.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::mysql {
namespace {

Error unusable(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "MySQL query failed: " + what, hint, category::kExtractQueryFailed);
}

// The name of a `$name`; empty for every other token. `before` is null for the first one. A variable @$a and a column
// t.$a are names of the server's.
std::string_view bound_name(const Token& token, const Token* before) {
  if (token.kind != Token::Kind::kWord || token.text.size() < 2 || token.text[0] != '$') return {};
  if (before && (before->is_symbol('@') || before->is_symbol('.'))) return {};
  const char first = token.text[1];
  const bool is_name = first == '_' || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return is_name && token.text.find('$', 1) == std::string_view::npos ? token.text.substr(1) : std::string_view();
}

}  // namespace

void BoundQuery::add_text(enum_field_types type, std::string text) {
  texts_.push_back(std::move(text));
  MYSQL_BIND bind = {};
  bind.buffer_type = type;
  bind.buffer = texts_.back().data();
  bind.buffer_length = texts_.back().size();
  binds_.push_back(bind);
}

Status BoundQuery::add(const std::string& name, const Json& value) {
  MYSQL_BIND bind = {};
  if (value.is_string()) {
    add_text(MYSQL_TYPE_STRING, value.as_string());
    return {};
  }
  if (value.is_double()) {
    std::string text = format_double(value.as_double());
    if (text.find('e') == std::string::npos) {
      add_text(MYSQL_TYPE_NEWDECIMAL, std::move(text));
      return {};
    }
    doubles_.push_back(value.as_double());
    bind.buffer_type = MYSQL_TYPE_DOUBLE;
    bind.buffer = &doubles_.back();
  } else if (value.is_int() || value.is_bool()) {
    // The bits of an unsigned number are the same.
    numbers_.push_back(value.is_uint64() ? static_cast<int64_t>(value.as_uint())
                                         : value.as_int(static_cast<int64_t>(value.as_bool())));
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = &numbers_.back();
    bind.is_unsigned = value.is_uint64();
  } else if (value.is_null()) {
    bind.buffer_type = MYSQL_TYPE_NULL;
  } else {
    return unusable(
        "the value '" + name + "' holds a " + std::string(value.type_name()) + ", which MySQL has no type for",
        "bind plain values, or a list of them");
  }
  binds_.push_back(bind);
  return {};
}

Result<BoundQuery> BoundQuery::of(std::string_view sql, const std::vector<Token>& tokens, const Json& values) {
  BoundQuery query;
  if (values.is_null()) {
    query.sql_ = sql;
    return query;
  }
  std::vector<std::string> known, unused;
  for (const auto& [name, value] : values.members()) known.push_back(name);
  unused = known;
  const char* end = sql.data();  // of what is in the text so far
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is_symbol('?'))
      return unusable("it holds a parameter mark (?) beside `values:`", "name each value in the query: $name");
    const std::string name(bound_name(tokens[i], i > 0 ? &tokens[i - 1] : nullptr));
    if (name.empty()) continue;
    const Json* value = values.find(name);
    if (!value) {
      const auto near = nearest(name, known);
      return unusable("it uses $" + name + ", and `values:` holds no '" + name + "'",
                      near ? "did you mean $" + *near + "?" : "add it: values: {" + name + ": ...}");
    }
    std::erase(unused, name);
    query.sql_.append(end, tokens[i].text.data());
    end = tokens[i].text.data() + tokens[i].text.size();
    const size_t first = query.binds_.size();
    for (const Json& item : value->items()) OSIRIS_TRY(query.add(name, item));
    if (!value->is_array()) OSIRIS_TRY(query.add(name, *value));
    if (query.binds_.size() == first)
      return unusable("the list '" + name + "' is empty, and IN () is no SQL",
                      "give it an item, or leave the filter out");
    for (size_t n = first; n < query.binds_.size(); ++n) query.sql_ += n > first ? ", ?" : "?";
  }
  if (!unused.empty())
    return unusable("`values:` holds '" + unused.front() + "', which the query does not use",
                    "write $" + unused.front() + " in the query, or remove the value");
  query.sql_.append(end, sql.data() + sql.size());
  return query;
}

}  // namespace osiris::worker::mysql
