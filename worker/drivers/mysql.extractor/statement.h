// What a query is, told from its words before it is sent: whether it only reads, and whether a value that arrives can
// be one the server had to convert. The server's parser is the judge of everything else.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::mysql {

struct Token {
  enum class Kind {
    kWord,        // SELECT, orders, 12, $since: letters, digits, '_', '$' and everything beyond ASCII
    kQuotedName,  // `a`
    kText,        // 'a' or "a" (which is a name with ANSI_QUOTES)
    kSymbol,      // one character: ( , ; * ...
    kVersioned,   // where the content of an executable comment begins: /*! or /*M!
  };
  Kind kind;
  std::string_view text;  // a part of the statement
  int depth = 0;          // of parentheses; both parentheses have the outer one's
  bool is(std::string_view upper_word) const;
  bool is_symbol(char c) const { return kind == Kind::kSymbol && text[0] == c; }
};

// Comments are left out. `backslash_escapes`: whether a backslash in a text hides the character after it, which
// NO_BACKSLASH_ESCAPES turns off. The views point into `sql`.
std::vector<Token> tokens_of(std::string_view sql, bool backslash_escapes);

// Refuses what is not one SELECT, WITH, TABLE, VALUES, SHOW, DESCRIBE or EXPLAIN without INTO; CALL where
// `allows_call`. A guard against accidents, before the read-only transaction and the account's grants.
Status check_reads_only(const std::vector<Token>& statement, bool allows_call);

// The statement is one of those that have columns as soon as they are prepared.
bool is_select(const std::vector<Token>& statement);

// It has a filter (WHERE, HAVING, ON), and every list of columns in it holds plain columns, literals, COUNT, MIN and
// MAX only: what a warning says of a conversion happened in the filter, and the values that arrive are the stored ones.
bool converts_in_filters_only(const std::vector<Token>& statement);

}  // namespace osiris::worker::mysql
