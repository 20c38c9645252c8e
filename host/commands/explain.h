// The codes of what osiris says, from the pages that list them: types of findings (docs/oml.md) and categories of
// errors (docs/error-categories.md). The build takes the tables of these pages into the program, so that the text
// stands in one place.
#pragma once

#include <string>
#include <vector>

namespace osiris {

struct MessageCode {
  std::string code;     // "sql_error", "connection.auth_failed"
  std::string about;    // "its SQL"; empty for a category
  std::string meaning;  // of the table's row; one row may list several codes
  std::string page;     // "docs/oml.md#findings"
};

// In the order of the pages.
const std::vector<MessageCode>& message_codes();

// The rows of a page's tables whose codes stand in `column`, with the meaning in the last one. Cells of code are in
// backquotes, `\|` is a bar; a row without a subject has the subject of the row before.
std::vector<MessageCode> codes_of_table(const std::string& page_text, const std::string& page, size_t column);

}  // namespace osiris
