#include "worker/drivers/graphql.extractor/pages.h"

#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/sha256.h"

namespace osiris::worker::graphql {

Pages::Pages(const Options& options) : options_(options), variables_(options.variables) {
  if (options_.paging != Paging::kOffset) return;
  offset_ = variables_[options_.offset_variable].as_uint();
  variables_.set(options_.offset_variable, offset_);
  variables_.set(options_.limit_variable, options_.page_size);
}

bool Pages::is_as_before(const Json& answer) {
  if (options_.paging != Paging::kOffset) return false;
  const std::string before = std::exchange(data_before_, sha256_hex(answer["data"].dump()));
  return before == data_before_;
}

Result<bool> Pages::advance(const Json& answer, uint64_t records) {
  if (options_.paging == Paging::kNone) return false;
  bool follows = false;
  if (options_.paging == Paging::kCursor) {
    OSIRIS_ASSIGN(follows, advance_cursor(answer));
  } else {
    if (records > options_.page_size)
      return Error(Code::kStepFailed,
                   "the server gave " + std::to_string(records) + " rows for a page of " +
                       std::to_string(options_.page_size) + ": it does not heed the variable '" +
                       options_.limit_variable + "'",
                   "Use $" + options_.limit_variable + " and $" + options_.offset_variable + " in the query.",
                   category::kExtractQueryFailed);
    follows = records == options_.page_size;
    offset_ += records;
    variables_.set(options_.offset_variable, offset_);
  }
  if (options_.pages_max > 0 && asked_ >= options_.pages_max) return false;
  if (follows) ++asked_;
  return follows;
}

Result<bool> Pages::advance_cursor(const Json& answer) {
  const Json* info = options_.page_info_path.first(answer);
  const auto incomplete = [](const std::string& why, const std::string& hint) {
    return Error(Code::kStepFailed, "the pages cannot be followed: " + why, hint, category::kExtractQueryFailed);
  };
  if (!info || !info->is_object())
    return incomplete("the answer has nothing at pagination_path",
                      "Ask for pageInfo { hasNextPage endCursor } in the query, and write its path.");
  const Json* has_next = info->find(options_.has_next_field);
  if (!has_next || !has_next->is_bool())
    return incomplete("'" + options_.has_next_field + "' is not true or false in the answer",
                      "Ask for it in the query, or name the field under pagination_has_next_field.");
  if (!has_next->as_bool()) return false;
  const Json* cursor = info->find(options_.cursor_field);
  if (!cursor || cursor->is_null() || (!cursor->is_string() && !cursor->is_number()))
    return incomplete("there are more, and the answer has no '" + options_.cursor_field + "'",
                      "Ask for it in the query, or name the field under pagination_cursor_field.");
  if (!cursors_.insert(cursor->dump()).second)
    return incomplete(
        "the server gave the cursor " + cursor->dump() + " twice",
        "Use $" + options_.cursor_variable + " in the query, as in plants(after: $" + options_.cursor_variable + ").");
  variables_.set(options_.cursor_variable, *cursor);
  return true;
}

}  // namespace osiris::worker::graphql
