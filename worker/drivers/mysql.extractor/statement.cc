#include "worker/drivers/mysql.extractor/statement.h"

#include <algorithm>
#include <string>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::mysql {
namespace {

bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' '; }

bool is_word_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         byte == '$' || byte >= 0x80;
}

class Lexer {
 public:
  Lexer(std::string_view sql, bool backslash_escapes) : sql_(sql), backslash_escapes_(backslash_escapes) {}

  std::vector<Token> run() {
    while (at_ < sql_.size()) {
      if (!skip_comment()) take();
    }
    return std::move(tokens_);
  }

 private:
  bool starts_with(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  void skip_past(std::string_view end, size_t from) {
    const size_t found = sql_.find(end, from);
    at_ = found == std::string_view::npos ? sql_.size() : found + end.size();
  }

  bool skip_comment() {
    const bool is_dashed = starts_with("--") && (at_ + 2 == sql_.size() || is_blank(sql_[at_ + 2]));
    if (is_dashed || starts_with("#")) {
      skip_past("\n", at_);
    } else if (starts_with("/*!") || starts_with("/*M!")) {
      add(Token::Kind::kVersioned, sql_.find('!', at_) + 1);
      while (at_ < sql_.size() && sql_[at_] >= '0' && sql_[at_] <= '9') ++at_;
      ++versioned_;
    } else if (starts_with("/*")) {
      skip_past("*/", at_ + 2);
    } else if (versioned_ > 0 && starts_with("*/")) {
      at_ += 2;
      --versioned_;
    } else {
      return false;
    }
    return true;
  }

  void take() {
    const char c = sql_[at_];
    if (is_blank(c)) {
      ++at_;
    } else if (c == '\'' || c == '"' || c == '`') {
      add(c == '`' ? Token::Kind::kQuotedName : Token::Kind::kText, end_of_quoted(c));
    } else if (is_word_character(c)) {
      size_t end = at_;
      while (end < sql_.size() && is_word_character(sql_[end])) ++end;
      add(Token::Kind::kWord, end);
    } else {
      if (c == ')') --depth_;
      add(Token::Kind::kSymbol, at_ + 1);
      if (c == '(') ++depth_;
    }
  }

  // Past the closing quote. A doubled quote is one of the text, as two texts side by side are one.
  size_t end_of_quoted(char quote) const {
    size_t end = at_ + 1;
    while (end < sql_.size() && sql_[end] != quote)
      end += sql_[end] == '\\' && quote != '`' && backslash_escapes_ ? 2 : 1;
    return std::min(end + 1, sql_.size());
  }

  void add(Token::Kind kind, size_t end) {
    tokens_.push_back({kind, sql_.substr(at_, end - at_), depth_});
    at_ = end;
  }

  std::string_view sql_;
  bool backslash_escapes_;
  size_t at_ = 0;
  int depth_ = 0;
  int versioned_ = 0;  // executable comments that are open
  std::vector<Token> tokens_;
};

constexpr char kReadingStatements[] = "write a SELECT, WITH, TABLE, VALUES, SHOW, DESCRIBE or EXPLAIN";

Error refused(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "MySQL query failed: " + what, hint, category::kExtractQueryFailed);
}

std::string ascii_upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

// The first token that is no opening parenthesis; null when there is none.
const Token* first_of(const std::vector<Token>& statement) {
  const auto first =
      std::find_if(statement.begin(), statement.end(), [](const Token& token) { return !token.is_symbol('('); });
  return first == statement.end() ? nullptr : &*first;
}

bool is_any(const Token& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return token.is(word); });
}

// A part of a list of columns that changes no value. `before`: the token before it, of the list or its SELECT.
bool is_plain_in_list(const Token& token, const Token& before) {
  switch (token.kind) {
    case Token::Kind::kSymbol:
      break;
    case Token::Kind::kVersioned:
      return false;
    default:
      return !is_any(token, {"CASE", "DIV", "MOD", "AND", "OR", "XOR", "LIKE", "REGEXP", "RLIKE", "IN", "BETWEEN",
                             "COLLATE", "BINARY", "INTERVAL", "NOT", "IS"});
  }
  if (token.is_symbol('*'))
    return is_any(before, {"SELECT", "DISTINCT", "ALL"}) || before.is_symbol(',') || before.is_symbol('.') ||
           before.is_symbol('(');
  if (token.is_symbol('(')) return is_any(before, {"COUNT", "MIN", "MAX"});
  return token.is_symbol(',') || token.is_symbol('.') || token.is_symbol(')');
}

}  // namespace

bool Token::is(std::string_view upper_word) const {
  return kind == Kind::kWord && std::equal(text.begin(), text.end(), upper_word.begin(), upper_word.end(),
                                           [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

std::vector<Token> tokens_of(std::string_view sql, bool backslash_escapes) {
  return Lexer(sql, backslash_escapes).run();
}

bool is_select(const std::vector<Token>& statement) {
  const Token* first = first_of(statement);
  return first && is_any(*first, {"SELECT", "WITH", "TABLE", "VALUES"});
}

Status check_reads_only(const std::vector<Token>& statement, bool allows_call) {
  const Token* first = first_of(statement);
  if (!first) return refused("the query holds no statement", kReadingStatements);
  if (first->is("CALL")) {
    if (allows_call) return {};
    return refused("CALL runs a procedure, which may write",
                   "write allow: [call] beside the query if it should run; what it may do is for the account's grants");
  }
  if (!is_select(statement) && !is_any(*first, {"SHOW", "DESCRIBE", "DESC", "EXPLAIN"})) {
    const std::string word(first->kind == Token::Kind::kVersioned ? "an executable comment" : first->text);
    const auto near = nearest(ascii_lower(word), {"select", "with", "table", "values", "show", "describe", "explain"});
    return refused("an extractor only reads, and " + word.substr(0, 40) + " begins no reading statement",
                   near ? "did you mean " + ascii_upper(*near) + "?" : kReadingStatements);
  }
  for (size_t i = 0; i < statement.size(); ++i) {
    if (statement[i].is_symbol(';') && i + 1 < statement.size() && !statement[i + 1].is_symbol(';'))
      return refused("the query holds several statements",
                     "write one statement; give each other one a step of its own");
    if (statement[i].is("INTO") && (i == 0 || !statement[i - 1].is_symbol('.')))
      return refused("an extractor only reads, and INTO writes to a file or a variable", "remove the INTO clause");
  }
  return {};
}

bool converts_in_filters_only(const std::vector<Token>& statement) {
  bool has_filter = false;
  std::vector<int> lists;  // depths of the column lists that are open
  for (size_t i = 0; i < statement.size(); ++i) {
    const Token& token = statement[i];
    has_filter |= is_any(token, {"WHERE", "HAVING", "ON"});
    if (token.is("SELECT")) {
      lists.push_back(token.depth);
    } else if (!lists.empty() &&
               (token.depth < lists.back() ||
                (token.depth == lists.back() && is_any(token, {"FROM", "UNION", "EXCEPT", "INTERSECT"})))) {
      lists.pop_back();
    } else if (!lists.empty() && !is_plain_in_list(token, statement[i - 1])) {
      return false;
    }
  }
  return has_filter;
}

}  // namespace osiris::worker::mysql
