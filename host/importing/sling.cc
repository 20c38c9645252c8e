#include "host/importing/sling.h"

#include <algorithm>
#include <array>
#include <set>

#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr std::array kTaken = {"mode",   "object", "primary_key", "update_key", "sql",
                               "select", "where",  "disabled",    "description"};

// What a connection's name gives away.
std::string family_in(const std::string& name) {
  const std::string lower = ascii_lower(name);
  const std::pair<const char*, const char*> words[] = {
      {"postgres", "postgres"}, {"pg", "postgres"},   {"mysql", "mysql"},      {"maria", "mysql"},
      {"sqlite", "sqlite"},     {"duckdb", "duckdb"}, {"local", "filesystem"}, {"file", "filesystem"}};
  for (const auto& [word, family] : words)
    if (lower.find(word) != std::string::npos) return family;
  return "";
}

std::string without_scheme(std::string path) {
  constexpr std::string_view kScheme = "file://";
  return path.starts_with(kScheme) ? path.substr(kScheme.size()) : path;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

// A text or a list of texts.
Json list_of(const Json& value) {
  if (value.is_array()) return value;
  Json list = Json::array();
  if (value.is_string())
    for (const std::string& word : split(value.as_string(), ',')) list.push_back(std::string(trim(word)));
  return list;
}

struct Side {
  std::string name, family, alias;
};

class SlingReader {
 public:
  SlingReader(const Json& document, const std::map<std::string, std::string>& families)
      : document_(document), source_(side("source", families)), target_(side("target", families)) {}

  Imported read() {
    for (const auto& [key, value] : document_.members())
      if (key != "source" && key != "target" && key != "defaults" && key != "streams") leave(key, "has no counterpart");
    for (const Side* each : {&source_, &target_})
      if (each->family.empty())
        leave(each->name, "what kind of system it is, its name does not say: --connection " + each->name + "=postgres");
    for (const auto& [name, stream] : document_["streams"].members()) read_stream(name, stream);
    return std::move(imported_);
  }

 private:
  Side side(const char* key, const std::map<std::string, std::string>& families) const {
    Side side{document_[key].as_string(), "", imported_id(document_[key].as_string())};
    const auto said = families.find(side.name);
    side.family = said == families.end() ? family_in(side.name) : said->second;
    return side;
  }

  void leave(const std::string& what, const std::string& why) { imported_.left.push_back(what + ": " + why); }

  std::string connection(const Side& side) {
    imported_.connections[side.alias] = side.family;
    return "@" + side.family + "." + side.alias;
  }

  // The stream's own word, else that of `defaults`.
  const Json& said(const Json& stream, const char* key) const {
    return stream.contains(key) ? stream[key] : document_["defaults"][key];
  }

  void read_stream(const std::string& name, const Json& stream) {
    const std::string where = "streams." + name;
    if (source_.family.empty() || target_.family.empty()) return;
    if (said(stream, "disabled").as_bool()) return leave(where, "is disabled, and left out");
    const bool is_file = source_.family == "filesystem";
    if (name.find('*') != std::string::npos && !is_file)
      return leave(where, "write a stream for each table: a pipeline names what it reads");
    std::set<std::string> keys;
    for (const Json* each : {&document_["defaults"], &stream})
      for (const auto& [key, value] : each->members())
        if (std::find(kTaken.begin(), kTaken.end(), key) == kTaken.end()) keys.insert(key);
    for (const std::string& key : keys) leave(where + "." + key, "is not taken over");
    const std::string id = imported_id(name);
    Json read = is_file ? read_file_step(name, where) : read_table_step(name, stream, where);
    if (read.is_null()) return;
    Json write = write_step(name, stream, where);
    if (write.is_null()) return;
    imported_.pipelines.push_back(imported_pipeline(id, {std::move(read), std::move(write)}));
  }

  Json read_file_step(const std::string& name, const std::string& where) {
    const std::string path = without_scheme(name), component = file_component(path, "extractor");
    if (component.empty()) {
      leave(where, "no component reads such a file");
      return {};
    }
    return imported_file_step(path, "extractor");
  }

  Json read_table_step(const std::string& name, const Json& stream, const std::string& where) {
    Json config = Json::object({{"connection", connection(source_)}});
    const std::string& sql = said(stream, "sql").as_string();
    const std::string& condition = said(stream, "where").as_string();
    const size_t dot = name.rfind('.');
    if (!sql.empty()) {
      if (sql.starts_with("file://")) leave(where + ".sql", "put the text of " + sql + " into the step's query");
      if (sql.find('{') != std::string::npos) leave(where + ".sql", "has variables of Sling in it");
      config.set("query", sql);
    } else if (!condition.empty()) {
      config.set("query", "SELECT * FROM " + name + " WHERE " + condition);
    } else {
      config.set("table", name.substr(dot == std::string::npos ? 0 : dot + 1));
      if (dot != std::string::npos) config.set("schema", name.substr(0, dot));
    }
    const Json select = list_of(said(stream, "select"));
    const auto is_excluded = [](const Json& column) { return column.as_string().starts_with('-'); };
    if (std::any_of(select.items().begin(), select.items().end(), is_excluded))
      leave(where + ".select", "name the columns that are wanted: a step has no list of those that are not");
    else if (select.size() && config.contains("table"))
      config.set("columns", select);
    else if (select.size())
      leave(where + ".select", "name its columns in the step's query, which reads all of them");
    if (said(stream, "mode").as_string() == "incremental") set_incremental(stream, where, config);
    return imported_step("read", source_.family + ".extractor", "read", std::move(config));
  }

  void set_incremental(const Json& stream, const std::string& where, Json& config) {
    const std::string& column = said(stream, "update_key").as_string();
    if (column.empty()) return leave(where, "is incremental without update_key: all rows are read");
    Json incremental = Json::object({{"column", column}});
    if (const Json key = list_of(said(stream, "primary_key")); key.size()) incremental.set("key", key);
    config.set("incremental", std::move(incremental));
  }

  // The name of what is written, with Sling's variables filled in.
  std::string object_of(const std::string& name, const Json& stream) const {
    const size_t dot = name.rfind('.');
    const std::string table = name.substr(dot == std::string::npos ? 0 : dot + 1);
    std::string object = said(stream, "object").as_string();
    if (object.empty()) object = source_.family == "filesystem" ? imported_id(name) : name;
    object = replaced(object, "{stream_table}", table);
    object = replaced(object, "{stream_schema}", dot == std::string::npos ? "" : name.substr(0, dot));
    return replaced(object, "{stream_name}", imported_id(name));
  }

  Json write_step(const std::string& name, const Json& stream, const std::string& where) {
    const std::string object = object_of(name, stream);
    if (object.find('{') != std::string::npos) leave(where + ".object", "has variables of Sling in it: " + object);
    if (target_.family == "filesystem") {
      const std::string path = without_scheme(object), component = file_component(path, "writer");
      if (!component.empty()) return imported_file_step(path, "writer");
      leave(where, "no component writes " + path + ": .csv, .parquet and .json are known");
      return {};
    }
    const size_t dot = object.rfind('.');
    Json config = Json::object(
        {{"connection", connection(target_)}, {"table", object.substr(dot == std::string::npos ? 0 : dot + 1)}});
    if (dot != std::string::npos) config.set("schema", object.substr(0, dot));
    if (target_.family == "mysql") config.set("create_table", true);  // as Sling makes it
    set_write_mode(stream, where, config);
    return imported_step("write", target_.family + ".writer", "write", std::move(config), {"read"});
  }

  void set_write_mode(const Json& stream, const std::string& where, Json& config) {
    const std::string mode = said(stream, "mode").as_string_or("full-refresh");
    const Json key = list_of(said(stream, "primary_key"));
    if (mode == "full-refresh") return (void)config.set("write_mode", "replace");
    if (mode == "truncate") return (void)config.set("write_mode", "truncate");
    if (mode == "incremental" && key.size()) {
      config.set("write_mode", "upsert");
      config.set("primary_key", key);
      return;
    }
    config.set("write_mode", "append");
    if (mode == "incremental")
      leave(where, "is incremental without primary_key: rows are appended, and one that changed comes twice");
    else
      leave(where + ".mode", "'" + mode + "' has no counterpart: rows are appended");
  }

  const Json& document_;
  const Side source_, target_;
  Imported imported_;
};

}  // namespace

Result<Imported> import_sling(const Json& document, const std::map<std::string, std::string>& families) {
  for (const char* key : {"source", "target", "streams"})
    if (!document.contains(key))
      return Error(Code::kInvalidArgument, std::string("this is no replication file of Sling: it has no '") + key + "'",
                   "a replication file has source, target and streams");
  return SlingReader(document, families).read();
}

}  // namespace osiris
