#include "host/compiler/sql_place.h"

#include "host/yaml/scalar_place.h"
#include "protocol/model/plan.h"

namespace osiris {

Mark place_of_sql_error(const CompiledStep& step, std::string_view text, const Json& detail) {
  const auto sql = step.config_marks.find(step.sql_key);
  if (sql == step.config_marks.end()) return step.mark;
  const Json& offset = detail[kSqlOffset];
  if (!offset.is_int()) return sql->second;
  return place_in_scalar(text, sql->second, step.cfg[step.sql_key].as_string(), offset.as_uint()).value_or(sql->second);
}

}  // namespace osiris
