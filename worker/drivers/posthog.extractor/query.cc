#include "worker/drivers/posthog.extractor/query.h"

#include <cstdint>

namespace osiris::worker::posthog {

const DataType* data_type_of(std::string_view name) {
  static const DataType kTypes[] = {
      {"events",
       "uuid, event, timestamp, distinct_id, person_id, properties, person.properties AS person_properties",
       "events",
       "timestamp",
       "uuid",
       {"uuid", "event", "timestamp", "distinct_id", "person_id"}},
      {"persons",
       "id, created_at, is_identified, properties",
       "persons",
       "created_at",
       "id",
       {"id", "created_at", "is_identified"}},
      {"sessions", "*", "sessions", "$start_timestamp", "session_id", {"session_id"}},
      {"person_distinct_ids",
       "distinct_id, person_id",
       "person_distinct_ids",
       "",
       "distinct_id",
       {"distinct_id", "person_id"}}};
  for (const DataType& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string page_query(const DataType& type, const std::vector<std::string>& event_types, const Place& place,
                       uint64_t rows) {
  const std::string id = "toString(" + std::string(type.id) + ")", time(type.time);
  const auto moment = [](const std::string& text) { return "toDateTime64(" + quote(text) + ", 6, 'UTC')"; };
  std::string conditions;
  const auto also = [&](const std::string& condition) {
    conditions += (conditions.empty() ? " WHERE " : " AND ") + condition;
  };
  if (!place.since.empty()) also(time + " >= " + moment(place.since));
  if (!event_types.empty()) {
    std::string list;
    for (const std::string& event : event_types) list += (list.empty() ? "" : ", ") + quote(event);
    also("event IN (" + list + ")");
  }
  if (!place.id.empty()) {
    const std::string behind = id + " > " + quote(place.id);
    also(time.empty() ? behind
                      : "(" + time + " > " + moment(place.time) + " OR (" + time + " = " + moment(place.time) +
                            " AND " + behind + "))");
  }
  return "SELECT " + std::string(type.columns) + " FROM " + std::string(type.table) + conditions + " ORDER BY " +
         (time.empty() ? "" : time + ", ") + id + " LIMIT " + std::to_string(rows);
}

}  // namespace osiris::worker::posthog
