#include "worker/drivers/supabase/pages.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::supabase {
namespace {

std::string ordered_by(const std::string& order, const std::vector<std::string>& key) {
  std::vector<std::string> parts;
  if (!order.empty()) parts.push_back(order);
  for (const std::string& column : key) parts.push_back(quoted_name(column) + ".asc");
  return join(parts, ",");
}

}  // namespace

Pages::Pages(Rest& rest, Reading reading)
    : rest_(rest),
      reading_(std::move(reading)),
      by_key_(!reading_.key.empty() && reading_.has_key && reading_.order.empty() && reading_.offset == 0),
      order_(ordered_by(reading_.order, reading_.key)) {}

Result<Json::Array> Pages::next() {
  if (ended_) return Json::Array();
  ++asked_;
  auto rows = by_key_ ? next_by_key() : next_by_count();
  if (!rows.ok()) return asked_ > 1 ? rows.error().within("page " + std::to_string(asked_)) : rows.error();
  if (rows->size() > reading_.page_rows)
    return Error(
        Code::kStepFailed,
        "the server gave " + std::to_string(rows->size()) + " rows for a page of " + std::to_string(reading_.page_rows),
        "check the connection's url: this is not how PostgREST answers", category::kExtractQueryFailed);
  ended_ = ended_ || rows->empty();
  return rows;
}

Result<Json::Array> Pages::next_by_key() {
  Query query = reading_.query;
  query.emplace_back("order", order_);
  query.emplace_back("limit", std::to_string(reading_.page_rows));
  if (!behind_.empty()) query.emplace_back("and", "(" + behind_ + ")");
  OSIRIS_ASSIGN(Page page, rest_.rows(reading_.table, query, false));
  if (!page.rows.empty()) OSIRIS_TRY(remember(page.rows.back()));
  return std::move(page.rows);
}

// Of two columns: or(a.gt.1,and(a.eq.1,b.gt.2)).
Status Pages::remember(const Json& row) {
  std::string equal;
  std::vector<std::string> ways;
  for (const std::string& column : reading_.key) {
    const Json* value = row.find(column);
    if (!value || value->is_null() || value->is_object() || value->is_array())
      return Error(Code::kStepFailed,
                   "a row of " + reading_.table + " has no value in column '" + column + "', by which pages go on",
                   "select the column, or write `order`", category::kExtractQueryFailed);
    const std::string text = quoted_value(value->is_string() ? value->as_string() : value->dump());
    const std::string greater = quoted_name(column) + ".gt." + text;
    ways.push_back(equal.empty() ? greater : "and(" + equal + greater + ")");
    equal += quoted_name(column) + ".eq." + text + ",";
  }
  const std::string behind = ways.size() == 1 ? ways.front() : "or(" + join(ways, ",") + ")";
  if (behind == behind_)
    return Error(Code::kStepFailed, "the server gave the same last row of " + reading_.table + " twice",
                 "it does not heed filters: check the connection's url", category::kExtractQueryFailed);
  behind_ = behind;
  return {};
}

Result<Json::Array> Pages::next_by_count() {
  if (total_ && read_ >= *total_) return Json::Array();
  if (read_ > 0 && order_.empty())
    return Error(Code::kStepFailed,
                 "table " + reading_.table +
                     " takes more than one page, and nothing gives its rows an order: pages of "
                     "it could repeat rows and lose others",
                 "write `order`: a column whose values tell rows apart", category::kExtractQueryFailed);
  Query query = reading_.query;
  if (!order_.empty()) query.emplace_back("order", order_);
  query.emplace_back("limit", std::to_string(reading_.page_rows));
  const uint64_t offset = reading_.offset + read_;
  if (offset > 0) query.emplace_back("offset", std::to_string(offset));
  OSIRIS_ASSIGN(Page page, rest_.rows(reading_.table, query, true));
  if (page.total) {
    const uint64_t total = *page.total > reading_.offset ? *page.total - reading_.offset : 0;
    if (total_ && *total_ != total)
      return Error(Code::kUnavailable,
                   "table " + reading_.table + " had " + std::to_string(*total_) +
                       " rows when its first page was read "
                       "and " +
                       std::to_string(total) + " now: its pages do not fit together",
                   "run again; leave `order` and `offset` out, or read by pg_dsn, which reads one snapshot",
                   category::kExtractQueryFailed);
    total_ = total;
  }
  read_ += page.rows.size();
  return std::move(page.rows);
}

}  // namespace osiris::worker::supabase
