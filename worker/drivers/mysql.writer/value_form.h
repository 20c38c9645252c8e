// The one form in which a value is compared, as it was sent and as the server gives it back: MySQL prints a decimal
// with all digits of its column, leaves blanks at the end of a CHAR out, and so on.
#pragma once

#include <string>
#include <string_view>

namespace osiris::worker::mysql {

enum class ValueForm {
  kExact,
  kNumber,  // an integer or a decimal
  kFloat,   // single precision
  kDouble,
  kDateTime,  // the time may be left out, and the end of a fraction
  kTime,
  kBlankPadded,
  kZeroPadded,
  kCaseless,
  kJson,     // of MySQL, which keeps the value and not its text
  kAddress,  // INET4, INET6: one address has many texts
};

// By MySQL's name of the type, "DECIMAL(10,2)" or "varchar(5)".
ValueForm form_of_type(std::string_view type_name);

std::string one_form(ValueForm form, std::string_view value);

// What to SELECT for it: a FLOAT's text would have six digits.
std::string exact_expression(ValueForm form, const std::string& quoted_column);

}  // namespace osiris::worker::mysql
