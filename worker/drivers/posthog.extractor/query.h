// The HogQL of one page, and what is known of each kind of data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace osiris::worker::posthog {

struct DataType {
  std::string_view name;     // "events"
  std::string_view columns;  // of the SELECT
  std::string_view table;
  std::string_view time;              // the column that rows are ordered by first; empty: by the id alone
  std::string_view id;                // that tells each row from others
  std::vector<std::string> expected;  // columns that the relation has also without rows
};

// Null for a name that is none.
const DataType* data_type_of(std::string_view name);

// Where a page begins.
struct Place {
  std::string since;  // rows from this time on, "2024-01-31 10:00:00.123456", UTC; empty: all
  std::string time;   // of the last row of the page before; empty: there was none
  std::string id;
};

std::string page_query(const DataType& type, const std::vector<std::string>& event_types, const Place& place,
                       uint64_t rows);

// 'it\'s': a text of HogQL.
std::string quote(std::string_view text);

}  // namespace osiris::worker::posthog
