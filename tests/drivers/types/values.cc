#include "tests/drivers/types/values.h"

#include "protocol/base/text.h"

namespace osiris::worker::test {

const std::map<std::string, OneValue>& one_value_of_each() {
  static const std::map<std::string, OneValue> all = {
      {"BOOLEAN", {"true", "1"}},
      {"TINYINT", {"7::TINYINT", "7"}},
      {"UTINYINT", {"7::UTINYINT", "7"}},
      {"SMALLINT", {"7::SMALLINT", "7"}},
      {"USMALLINT", {"7::USMALLINT", "7"}},
      {"INTEGER", {"7::INTEGER", "7"}},
      {"UINTEGER", {"7::UINTEGER", "7"}},
      {"BIGINT", {"7::BIGINT", "7"}},
      {"UBIGINT", {"7::UBIGINT", "7"}},
      {"HUGEINT", {"7::HUGEINT", "7"}},
      {"UHUGEINT", {"7::UHUGEINT", "7"}},
      {"BIGNUM", {"7::BIGNUM", "7"}},
      {"FLOAT", {"1.5::FLOAT", "1.5"}},
      {"DOUBLE", {"1.5::DOUBLE", "1.5"}},
      {"DECIMAL(p,s)", {"12.5::DECIMAL(5,1)", "12.5"}},
      {"VARCHAR", {"'?'", ""}},
      {"ENUM", {"'?'::ENUM('?', 'other')", ""}},
      {"JSON", {"'{\"a\": 1}'::JSON", "{\"a\": 1}"}},
      {"BLOB", {"'AB'::BLOB", "AB"}},
      {"BIT", {"'101'::BIT", "101"}},
      {"UUID", {"'ffffffff-0000-0000-0000-00000000000a'::UUID", "ffffffff-0000-0000-0000-00000000000a"}},
      {"DATE", {"'2024-02-29'::DATE", "2024-02-29"}},
      {"TIMESTAMP", {"'2024-02-29 01:02:03.5'::TIMESTAMP", "2024-02-29 01:02:03.5"}},
      {"TIMESTAMP_S", {"'2024-02-29 01:02:03'::TIMESTAMP_S", "2024-02-29 01:02:03"}},
      {"TIMESTAMP_MS", {"'2024-02-29 01:02:03.5'::TIMESTAMP_MS", "2024-02-29 01:02:03.5"}},
      {"TIMESTAMPTZ", {"'2024-02-29 01:02:03.5+00'::TIMESTAMPTZ", "2024-02-29 01:02:03.5"}},
      {"TIME", {"'01:02:03.5'::TIME", "01:02:03.5"}},
      {"TIMETZ", {"'01:02:03.5+02'::TIMETZ", "01:02:03.5+02"}},
      {"INTERVAL", {"INTERVAL '01:02:03.5'", "01:02:03.5"}},
      {"TIMESTAMP_NS", {"'2024-01-01'::TIMESTAMP_NS", ""}},
      {"TIME_NS", {"'10:00:00'::TIME_NS", ""}},
      {"LIST", {"[1]", ""}},
      {"STRUCT", {"{'a': 1}", ""}},
      {"MAP", {"MAP {'a': 1}", ""}},
      {"UNION", {"union_value(n := 1)", ""}},
      {"VARIANT", {"1::VARIANT", ""}}};
  return all;
}

std::string with_text(std::string sql, const std::string& text) {
  for (size_t at = 0; (at = sql.find('?', at)) != std::string::npos; at += text.size()) sql.replace(at, 1, text);
  return sql;
}

std::string cast_of(const std::string& type) {
  if (type == "ENUM") return "::ENUM('a', 'b')";
  for (const char* whole : {"STRUCT", "MAP", "UNION", "VARIANT", "INTEGER[][]"})
    if (type == whole) return "";
  return "::" + type;
}

std::string select_of(const std::string& type, const std::string& values) {
  std::string rows = "(0, NULL)";
  size_t number = 1;
  for (const std::string& value : split(values, '|'))
    rows += ", (" + std::to_string(number++) + ", (" + value + ")" + cast_of(type) + ")";
  return "SELECT i::INTEGER AS i, v FROM (VALUES " + rows + ") t(i, v)";
}

}  // namespace osiris::worker::test
