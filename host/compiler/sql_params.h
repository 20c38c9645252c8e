// ${params.x} inside SQL: text that is put in as text, and refused where it would change what the statement is. Values
// that should be no text at all are bound (`values:` of the component).
#pragma once

#include <string>
#include <vector>

#include "host/compiler/sql_text.h"
#include "host/yaml/diagnostic.h"

namespace osiris {

// SQL in pieces: `text`, then the value of a parameter, and so on; the last piece has no parameter.
struct SqlPiece {
  std::string text;
  std::string param;        // its name; empty: none
  std::string value;        // its text
  bool is_number = false;   // by its type, or because the text spells one
  bool is_trusted = false;  // the pipeline's author listed all values it may have, or it can only be a word (a boolean)
};

// The whole text. In quotes, those of the value are doubled; outside them a negative number gets parentheses, and other
// text a warning (pasted_sql_value). What would end its quotes or comment, or hold ';', '--' or half a pair of quotes
// outside them, is an error (unsafe_sql_value).
std::string fill_sql(const std::vector<SqlPiece>& pieces, const SqlText& sql, Mark mark, Diagnostics& diagnostics);

}  // namespace osiris
