#include "worker/drivers/supabase.writer/stale_rows.h"

#include <algorithm>

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/supabase/pages.h"

namespace osiris::worker::supabase {
namespace {

// Of a filter, percent-encoded; gateways take 8 KiB and more for all of a request's head.
constexpr size_t kFilterBytesMax = 4'000;

using Key = std::vector<std::string>;

Key key_of(const Json& row, const std::vector<std::string>& columns) {
  Key key;
  for (const std::string& column : columns)
    key.push_back(row[column].is_string() ? row[column].as_string() : row[column].dump());
  return key;
}

// The numbers of the keys that no row of the input has. A text that is no value of the input's type is none of its
// keys.
Result<std::vector<size_t>> not_in_input(StepContext& step, const std::vector<Key>& keys,
                                         const db::TargetSettings& settings, const db::RelationColumns& columns) {
  std::string values, matches;
  for (size_t i = 0; i < keys.size(); ++i) {
    values += (i > 0 ? ", (" : "(") + std::to_string(i);
    for (const std::string& text : keys[i]) values += ", " + sql::quote_literal(text);
    values += ")";
  }
  for (size_t i = 0; i < settings.keys.size(); ++i) {
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&](const auto& candidate) { return candidate.name == settings.keys[i]; });
    matches += (i > 0 ? " AND " : "") + ("rows." + sql::quote_identifier(settings.keys[i])) + " = TRY_CAST(there.k" +
               std::to_string(i) + " AS " + column->type.sql() + ")";
  }
  std::string names = "number";
  for (size_t i = 0; i < settings.keys.size(); ++i) names += ", k" + std::to_string(i);
  OSIRIS_ASSIGN(sql::QueryResult found,
                sql::run_query(step.connection_handle(), "SELECT number FROM (VALUES " + values + ") there(" + names +
                                                             ") WHERE NOT EXISTS (SELECT 1 FROM " +
                                                             sql::quote_identifier(step.inputs().front().name) +
                                                             " AS rows WHERE " + matches + ") ORDER BY number"));
  std::vector<size_t> numbers;
  for (idx_t row = 0; row < found.rows(); ++row) numbers.push_back(static_cast<size_t>(found.integer(0, row)));
  return numbers;
}

// Filters of as many keys as fit: id=in.("1","2"), or=(and(a.eq."1",b.eq."x"),...).
class Filters {
 public:
  explicit Filters(const std::vector<std::string>& columns) : columns_(columns) {}

  void add(const Key& key) {
    std::string part;
    if (columns_.size() == 1) {
      part = quoted_value(key[0]);
    } else {
      std::vector<std::string> equal;
      for (size_t i = 0; i < key.size(); ++i) equal.push_back(quoted_name(columns_[i]) + ".eq." + quoted_value(key[i]));
      part = "and(" + join(equal, ",") + ")";
    }
    const size_t size = percent_encode(part).size() + 3;
    if (size_ + size > kFilterBytesMax) close();
    parts_.push_back(std::move(part));
    size_ += size;
  }
  std::vector<Query> take() {
    close();
    return std::move(filters_);
  }

 private:
  void close() {
    if (parts_.empty()) return;
    const std::string list = "(" + join(parts_, ",") + ")";
    filters_.push_back(columns_.size() == 1 ? Query{{quoted_name(columns_[0]), "in." + list}} : Query{{"or", list}});
    parts_.clear();
    size_ = 0;
  }

  const std::vector<std::string>& columns_;
  std::vector<std::string> parts_;
  size_t size_ = 0;
  std::vector<Query> filters_;
};

}  // namespace

Result<StaleRows> find_stale_rows(StepContext& step, Rest& rest, const db::TargetSettings& settings,
                                  const db::RelationColumns& columns) {
  std::vector<std::string> names;
  for (const std::string& key : settings.keys) names.push_back(quoted_name(key));
  Reading reading;
  reading.table = settings.table;
  reading.query = {{"select", join(names, ",")}};
  reading.key = settings.keys;
  Pages pages(rest, reading);
  StaleRows stale;
  Filters filters(settings.keys);
  for (;;) {
    OSIRIS_ASSIGN(const Json::Array rows, pages.next());
    if (rows.empty()) break;
    std::vector<Key> keys;
    for (const Json& row : rows) keys.push_back(key_of(row, settings.keys));
    OSIRIS_ASSIGN(const std::vector<size_t> numbers, not_in_input(step, keys, settings, columns));
    for (const size_t number : numbers) filters.add(keys[number]);
    stale.rows += numbers.size();
    stale.kept += keys.size() - numbers.size();
  }
  stale.filters = filters.take();
  return stale;
}

}  // namespace osiris::worker::supabase
