#include "worker/drivers/mysql.extractor/warnings.h"

#include <mysqld_error.h>

#include <algorithm>

#include "protocol/base/categories.h"

namespace osiris::worker::mysql {
namespace {

constexpr unsigned kCannotConvertString = 3854;  // MySQL 8's ER_CANNOT_CONVERT_CHARACTER

// A text read as a number or a date it is none of. In a filter this changes which rows come, as the query says, and no
// value.
bool is_conversion(unsigned number) {
  switch (number) {
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_BAD_DATA:
      return true;
    default:
      return false;
  }
}

// Cut, clamped or made NULL.
bool is_loss(unsigned number) {
  switch (number) {
    case ER_TOO_BIG_FOR_UNCOMPRESS:
    case ER_ZLIB_Z_MEM_ERROR:
    case ER_ZLIB_Z_BUF_ERROR:
    case ER_ZLIB_Z_DATA_ERROR:
    case ER_CUT_VALUE_GROUP_CONCAT:
    case ER_WARN_DATA_OUT_OF_RANGE:
    case WARN_DATA_TRUNCATED:
    case ER_WARN_INVALID_TIMESTAMP:
    case ER_INVALID_CHARACTER_STRING:
    case ER_WARN_ALLOWED_PACKET_OVERFLOWED:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case ER_DATA_TOO_LONG:
    case ER_WRONG_VALUE_FOR_TYPE:
    case ER_DATETIME_FUNCTION_OVERFLOW:
    case ER_DATA_OUT_OF_RANGE:
    case ER_DATA_OVERFLOW:
    case ER_DATA_TRUNCATED:
    case ER_QUERY_RESULT_INCOMPLETE:
    case ER_CANNOT_CONVERT_CHARACTER:
    case kCannotConvertString:
      return true;
    default:
      return number >= ER_JSON_BAD_CHR && number <= ER_JSON_PATH_ARRAY;
  }
}

std::string hint_for(unsigned number) {
  constexpr char kKeep[] = "; or set on_warning: log to keep what the server sent";
  switch (number) {
    case ER_CUT_VALUE_GROUP_CONCAT:
    case ER_WARN_ALLOWED_PACKET_OVERFLOWED:
      return std::string("raise max_allowed_packet and group_concat_max_len of the server, or select shorter values") +
             kKeep;
    case ER_QUERY_RESULT_INCOMPLETE:
      return std::string("raise LIMIT ROWS EXAMINED, or leave it out") + kKeep;
    default:
      return std::string("write the query so that each value fits the type it is converted to") + kKeep;
  }
}

}  // namespace

void Warnings::add(Warning warning) {
  count_ += warning.count;
  const auto same = std::find_if(all_.begin(), all_.end(), [&](const Warning& other) {
    return other.number == warning.number && other.is_note == warning.is_note;
  });
  if (same == all_.end())
    all_.push_back(std::move(warning));
  else
    same->count += warning.count;
}

bool changes_values(const Warning& warning, bool filters_only) {
  // MariaDB makes a note of a number that it clamps: CAST(1e30 AS SIGNED).
  if (warning.is_note) return warning.number == ER_DATA_OVERFLOW;
  return is_loss(warning.number) || (is_conversion(warning.number) && !filters_only);
}

std::string words(const Warning& warning) {
  return warning.text + " (warning " + std::to_string(warning.number) + ")" +
         (warning.count > 1 ? ", " + std::to_string(warning.count) + " times" : "");
}

Status judge(const Warnings& warnings, bool filters_only, const std::string& step_id) {
  const auto changed = std::find_if(warnings.all().begin(), warnings.all().end(),
                                    [&](const Warning& warning) { return changes_values(warning, filters_only); });
  if (changed != warnings.all().end())
    return Error(Code::kStepFailed,
                 "MySQL execution failed: the server changed values of step " + step_id + ": " + words(*changed),
                 hint_for(changed->number), category::kExtractSchemaMismatch);
  if (warnings.told() <= warnings.count()) return {};
  std::string listed;
  for (const Warning& warning : warnings.all()) listed += (listed.empty() ? ": " : "; ") + words(warning);
  return Error(Code::kStepFailed,
               "MySQL execution failed: the server warned " + std::to_string(warnings.told()) + " times in step " +
                   step_id + " and lists " + std::to_string(warnings.count()) +
                   " of them, so whether it changed a value cannot be told" + listed,
               "write the query so that the server has nothing to warn of (a / NULLIF(b, 0) where it divides by zero); "
               "or set on_warning: log to keep what the server sent",
               category::kExtractSchemaMismatch);
}

}  // namespace osiris::worker::mysql
