// dlt keeps in Python what a pipeline does and in TOML with what: what is not in these files is said to be left.
#include "host/importing/dlt.h"

#include <algorithm>
#include <set>

#include "host/importing/dlt_credentials.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr int kSectionsMax = 4;  // sources.<module>.<source>.<table>

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Json list_of(const Json& value) { return value.is_string() ? Json::array({value}) : value; }

std::string joined_path(std::string directory, const std::string& name) {
  constexpr std::string_view kScheme = "file://";
  if (directory.starts_with(kScheme)) directory.erase(0, kScheme.size());
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory.empty() ? name : directory + "/" + name;
}

// An address of another service than this machine's file system; empty for a path.
std::string scheme_of(const std::string& url) {
  const size_t at = url.find("://");
  return at == std::string::npos || url.starts_with("file://") ? "" : url.substr(0, at);
}

class DltReader {
 public:
  explicit DltReader(const Json& document) : document_(document) {}

  Imported read() {
    for (const auto& [key, value] : document_.members()) leave_section(key);
    find_target();
    for (const auto& [name, section] : document_["sources"].members())
      if (name != "credentials") read_source("sources." + name, name, section, 1);
    return std::move(imported_);
  }

 private:
  void leave(const std::string& what, const std::string& why) { imported_.left.push_back(what + ": " + why); }

  void leave_section(const std::string& key) {
    if (is_one_of(key, {"sources", "destination", "credentials", "dataset_name", "pipeline_name"})) return;
    leave(key, is_one_of(key, {"runtime", "extract", "normalize", "load", "data_writer", "schema", "pipeline"})
                   ? "is about dlt itself, and left out"
                   : "has no counterpart");
  }

  // Where rows go: the one destination, or files.
  void find_target() {
    std::vector<std::string> names;
    for (const auto& [name, section] : document_["destination"].members())
      if (section.is_object()) names.push_back(name);
    if (names.size() != 1) {
      leave("destination", names.empty()
                               ? "none is named: rows go to files in output/"
                               : "there are several (" + join(names, ", ") + "): rows go to files in output/");
      return;
    }
    const Json& section = document_["destination"][names[0]];
    const std::string& type = section["destination_type"].as_string();
    const std::string kind = type.empty() ? names[0] : type.substr(type.rfind('.') + 1);
    target_alias_ = imported_id(names[0]);
    if (kind == "filesystem") {
      const std::string& url = section["bucket_url"].as_string();
      if (const std::string scheme = scheme_of(url); !scheme.empty())
        leave("destination." + names[0] + ".bucket_url",
              scheme == "s3" ? "rows go to output/: write a path in " + url + " and a connection with its keys instead"
                             : "no component writes to " + scheme + ": rows go to output/");
      else if (!url.empty())
        directory_ = joined_path(url, "");
      return;
    }
    target_ = dlt_credentials(section["credentials"], kind == "sqlalchemy" ? "" : kind);
    if (target_.family.empty() || target_.family == "sqlite") {
      leave("destination." + names[0], "no component writes to '" + target_.driver + "': rows go to files in output/");
      target_ = {};
    } else if (!target_.is_a_file()) {
      describe_connection(target_, target_alias_);
    }
  }

  std::string connection(const std::string& family, const std::string& alias) {
    imported_.connections[alias] = family;
    return "@" + family + "." + alias;
  }

  void describe_connection(const DltCredentials& credentials, const std::string& alias) {
    const std::string words = credentials.in_words();
    leave("connection " + credentials.family + "." + alias,
          (words.empty() ? "" : "dlt has " + words + "; ") + std::string("passwords are not taken over"));
  }

  void read_source(const std::string& where, const std::string& name, const Json& section, int depth) {
    if (!section.is_object()) return leave(where, "is not taken over");
    if (section.contains("bucket_url")) return read_files(where, name, section);
    for (const char* key : {"credentials", "table_names", "table"})
      if (section.contains(key)) return read_database(where, name, section);
    if (name == "sql_database" || name == "sql_table") return read_database(where, name, section);
    bool has_sections = false;
    for (const auto& [key, value] : section.members()) {
      if (!value.is_object() || depth == kSectionsMax) continue;
      has_sections = true;
      read_source(where + "." + key, key, value, depth + 1);
    }
    if (!has_sections) leave(where, "is a source that has no counterpart: sql_database and filesystem have one");
  }

  void read_database(const std::string& where, const std::string& name, const Json& section) {
    const Json* said = section.find("credentials");
    for (const Json* outer : {&document_["sources"], &document_})
      if (!said) said = outer->find("credentials");
    const DltCredentials source = dlt_credentials(said ? *said : Json(), "");
    if (source.family.empty())
      return leave(where, source.driver.empty() ? "has no credentials that say what kind of system it is"
                                                : "no component reads from '" + source.driver + "'");
    const std::string alias = imported_id(name);
    if (!source.is_a_file()) describe_connection(source, alias);
    std::vector<std::string> tables;
    for (const char* key : {"table_names", "table"}) {
      const Json named = list_of(section[key]);
      for (const Json& table : named.items()) tables.push_back(table.as_string());
    }
    for (const auto& [key, value] : section.members()) {
      const bool is_known = is_one_of(key, {"credentials", "schema", "table_names", "table", "incremental",
                                            "write_disposition", "primary_key", "included_columns"});
      if (is_known) continue;
      if (!value.is_object())
        leave(where + "." + key, "is not taken over");
      else if (std::find(tables.begin(), tables.end(), key) == tables.end())
        tables.push_back(key);
    }
    if (tables.empty())
      leave(where, "which tables it reads, Python code says: name them in table_names, and import again");
    for (const std::string& table : tables) read_table(where, name, source, table, section);
  }

  // The table's own word, else that of its source.
  static const Json& said(const Json& section, const std::string& table, const char* key) {
    const Json& own = section[table][key];
    return own.is_null() ? section[key] : own;
  }

  void read_table(const std::string& where, const std::string& source_name, const DltCredentials& source,
                  const std::string& table, const Json& section) {
    const std::string place = where + "." + table;
    Json config = Json::object();
    if (source.is_a_file())
      config.set("path", source.path);
    else
      config.set("connection", connection(source.family, imported_id(source_name)));
    config.set("table", table);
    if (section["schema"].is_string() && source.family != "sqlite") config.set("schema", section["schema"]);
    if (const Json columns = list_of(said(section, table, "included_columns")); columns.size())
      config.set("columns", columns);
    set_incremental(place, section, table, config);
    for (const auto& [key, value] : section[table].members())
      if (!is_one_of(key, {"incremental", "write_disposition", "primary_key", "included_columns"}))
        leave(place + "." + key, "is not taken over");
    Json read = imported_step("read", source.family + ".extractor", "read", std::move(config));
    add_pipeline(table, source_name, std::move(read), write_step(place, section, table));
  }

  void set_incremental(const std::string& place, const Json& section, const std::string& table, Json& config) {
    const Json& incremental = said(section, table, "incremental");
    if (!incremental.is_object()) return;
    const std::string& column = incremental["cursor_path"].as_string();
    if (column.empty() || column.find_first_of(".$[*") != std::string::npos)
      return leave(place + ".incremental", "has no cursor_path that is a column: all rows are read");
    Json taken = Json::object({{"column", column}});
    const Json key =
        list_of(incremental.contains("primary_key") ? incremental["primary_key"] : said(section, table, "primary_key"));
    if (key.size()) taken.set("key", key);
    if (const Json& initial = incremental["initial_value"]; initial.is_string() || initial.is_number())
      taken.set("initial", initial);
    for (const auto& [name, value] : incremental.members())
      if (!is_one_of(name, {"cursor_path", "initial_value", "primary_key"}))
        leave(place + ".incremental." + name, "is not taken over");
    config.set("incremental", std::move(taken));
  }

  void read_files(const std::string& where, const std::string& name, const Json& section) {
    const std::string& url = section["bucket_url"].as_string();
    const std::string& pattern = section["file_glob"].as_string();
    for (const auto& [key, value] : section.members())
      if (!is_one_of(key, {"bucket_url", "file_glob", "credentials", "write_disposition"}))
        leave(where + "." + key, "is not taken over");
    const std::string component = file_component(pattern, "extractor"), scheme = scheme_of(url);
    if (pattern.empty()) return leave(where, "has no file_glob that says which files it reads");
    if (component.empty())
      return leave(where, "no component reads " + pattern + ": .csv, .parquet and .json are known");
    if (!scheme.empty() && scheme != "s3" && scheme != "https")
      return leave(where + ".bucket_url", "no component reads from " + scheme);
    const bool is_pattern_of_csv =
        component == "filesystem.csv_extractor" && pattern.find_first_of("*?[") != std::string::npos;
    if (is_pattern_of_csv && !scheme.empty())
      return leave(where + ".file_glob", component + " reads one file: name it instead of " + pattern);
    Json read = imported_file_step(joined_path(url, pattern), "extractor");
    if (scheme == "s3") {
      Json config = read["config"];
      config.set("connection", connection("filesystem", imported_id(name)));
      read.set("config", std::move(config));
      leave("connection filesystem." + imported_id(name),
            "write its region, endpoint and keys; they are not taken over");
    }
    add_pipeline(name, "", std::move(read), write_step(where, section, name));
  }

  Json write_step(const std::string& place, const Json& section, const std::string& table) {
    const std::string mode = said(section, table, "write_disposition").as_string_or("append");
    if (target_.family.empty()) return write_file_step(place, mode, table);
    const bool is_said = !said(section, table, "write_disposition").is_null();
    Json config = Json::object();
    if (target_.is_a_file())
      config.set("path", target_.path);
    else
      config.set("connection", connection(target_.family, target_alias_));
    config.set("table", table);
    if (document_["dataset_name"].is_string() && target_.family != "mysql")
      config.set("schema", document_["dataset_name"]);
    const Json key = list_of(said(section, table, "primary_key"));
    std::string write_mode = mode == "replace" ? "replace" : "append";
    if (mode == "merge" && key.size() && !target_.is_a_file()) {
      write_mode = "upsert";
      config.set("primary_key", key);
    } else if (mode == "merge") {
      leave(place, target_.is_a_file()
                       ? "merge has no counterpart in a file: rows are appended"
                       : "merge without primary_key: rows are appended, and one that changed comes twice");
    } else if (!is_said) {
      leave(place, "what becomes of rows that are there, Python code says: they stay, which is dlt's default");
    }
    config.set("write_mode", write_mode);
    // dlt makes its tables.
    if (target_.family == "mysql") config.set("create_table", true);
    return imported_step("write", target_.family + ".writer", "write", std::move(config), {"read"});
  }

  Json write_file_step(const std::string& place, const std::string& mode, const std::string& table) {
    const std::string format = document_["normalize"]["loader_file_format"].as_string_or("csv");
    const bool is_known = is_one_of(format, {"csv", "parquet", "jsonl"});
    const std::string name = table.find('/') == std::string::npos ? table : imported_id(table);
    const std::string path = joined_path(directory_, name + "." + (is_known ? format : "csv"));
    if (mode != "replace") leave(place, path + " has the rows of one run: dlt adds a file with each");
    return imported_file_step(path, "writer");
  }

  void add_pipeline(const std::string& table, const std::string& source, Json read, Json write) {
    std::string name = imported_id(table);
    if (!names_.insert(name).second) name = imported_id(source + "-" + table);
    names_.insert(name);
    imported_.pipelines.push_back(imported_pipeline(name, {std::move(read), std::move(write)}));
  }

  const Json& document_;
  DltCredentials target_;  // without a family: files in directory_
  std::string target_alias_, directory_ = "output";
  std::set<std::string> names_;
  Imported imported_;
};

}  // namespace

void merge_configuration(Json& base, const Json& over) {
  for (const auto& [key, value] : over.members()) {
    Json* known = base.find(key);
    if (known && known->is_object() && value.is_object())
      merge_configuration(*known, value);
    else
      base.set(key, value);
  }
}

Result<Imported> import_dlt(const Json& configuration) {
  if (configuration["sources"].members().empty())
    return Error(Code::kInvalidArgument, "this is no configuration of dlt that says what is read: it has no [sources]",
                 "sources that Python code alone describes cannot be imported");
  return DltReader(configuration).read();
}

}  // namespace osiris
