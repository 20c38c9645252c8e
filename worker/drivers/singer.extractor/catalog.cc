#include "worker/drivers/singer.extractor/catalog.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::singer {
namespace {

std::string name_of(const Json& stream) {
  return stream["stream"].is_string() ? stream["stream"].as_string() : stream["tap_stream_id"].as_string();
}

bool is_named(const Json& stream, const std::string& name) {
  return stream["stream"].as_string() == name || stream["tap_stream_id"].as_string() == name;
}

// The metadata entry of a breadcrumb, made where there is none.
Json& metadata_of(Json& stream, const Json& breadcrumb) {
  if (!stream["metadata"].is_array()) stream.set("metadata", Json::array());
  Json& list = *stream.find("metadata");
  for (Json& entry : list.items())
    if (entry["breadcrumb"] == breadcrumb && entry["metadata"].is_object()) return *entry.find("metadata");
  list.push_back(Json::object({{"breadcrumb", breadcrumb}, {"metadata", Json::object()}}));
  return *list.items().back().find("metadata");
}

void select(Json& stream, const std::vector<std::string>& columns) {
  metadata_of(stream, Json::array()).set("selected", true);
  Json* schema = stream.find("schema");
  if (!schema) return;
  schema->set("selected", true);
  Json* properties = schema->find("properties");
  if (!properties) return;
  for (auto& [name, property] : properties->members()) {
    Json& metadata = metadata_of(stream, Json::array({"properties", name}));
    if (metadata["inclusion"].as_string() == "unsupported") continue;
    const bool is_automatic = metadata["inclusion"].as_string() == "automatic";
    const bool is_wanted =
        columns.empty() || is_automatic || std::find(columns.begin(), columns.end(), name) != columns.end();
    metadata.set("selected", is_wanted);
    if (property.is_object()) property.set("selected", is_wanted);
  }
}

void leave_out(Json& stream) {
  metadata_of(stream, Json::array()).set("selected", false);
  if (Json* schema = stream.find("schema"); schema && schema->is_object()) schema->set("selected", false);
}

}  // namespace

Result<Json> selected_catalog(Json catalog, const std::string& stream, const std::vector<std::string>& columns) {
  Json* streams = catalog.find("streams");
  const auto unusable = [](const std::string& what, const std::string& hint) {
    return Error(Code::kStepFailed, what, hint, category::kExtractSchemaMismatch);
  };
  if (!streams || !streams->is_array()) return unusable("the catalog has no list of streams", "");
  std::vector<std::string> names;
  bool is_there = false;
  for (Json& each : streams->items()) {
    names.push_back(name_of(each));
    if (!is_named(each, stream)) {
      leave_out(each);
      continue;
    }
    is_there = true;
    for (const std::string& column : columns) {
      std::vector<std::string> known;
      for (const auto& [name, property] : each["schema"]["properties"].members()) known.push_back(name);
      if (known.empty() || std::find(known.begin(), known.end(), column) != known.end()) continue;
      const auto near = nearest(column, known);
      return unusable("the stream has no column '" + column + "' that 'select' names",
                      near ? "did you mean '" + *near + "'?" : "it has " + join(known, ", "));
    }
    select(each, columns);
  }
  if (is_there) return catalog;
  const auto near = nearest(stream, names);
  return unusable("the tap has no stream '" + stream + "'",
                  near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
}

}  // namespace osiris::worker::singer
