#include "host/importing/sql_folder.h"

#include <algorithm>
#include <regex>
#include <set>

#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

// A longer one would cost std::regex its stack.
constexpr size_t kSqlBytesMax = 200'000;

struct Model {
  std::string sql;
  std::set<std::string> reads;    // other files
  std::set<std::string> sources;  // tables that no file is named after
};

// Of the step that brings a table; a file may have the table's name.
std::string source_id(const std::string& table) { return "read-" + imported_id(table); }

class SqlFolder {
 public:
  explicit SqlFolder(const std::map<std::string, std::string>& files) {
    for (const auto& [name, sql] : files) models_[name].sql = sql;
  }

  Result<Imported> read(const std::string& name) {
    for (auto& [model_name, model] : models_) read_model(model_name, model);
    OSIRIS_TRY(put_in_order());
    std::vector<Json> steps;
    for (const std::string& source : sources_) {
      steps.push_back(imported_step(source_id(source), "filesystem.csv_extractor", "read",
                                    Json::object({{"path", "data/" + source + ".csv"}})));
      imported_.left.push_back("step " + source_id(source) + ": reads data/" + source +
                               ".csv; let it read the table '" + source + "' from where it is");
    }
    std::set<std::string> is_read;
    for (const std::string& each : order_) {
      const Model& model = models_.at(each);
      std::vector<std::string> needs;
      for (const std::string& need : model.reads) needs.push_back(imported_id(need)), is_read.insert(need);
      for (const std::string& source : model.sources) needs.push_back(source_id(source));
      if (needs.empty())
        imported_.left.push_back("step " + imported_id(each) + ": reads no other step; SQL alone makes its rows");
      steps.push_back(imported_step(imported_id(each), "duckdb.processor", "transform",
                                    Json::object({{"query", model.sql}}), needs));
    }
    for (const std::string& each : order_)
      if (!is_read.count(each))
        steps.push_back(imported_step("save-" + imported_id(each), "filesystem.csv_writer", "write",
                                      Json::object({{"path", "output/" + each + ".csv"}, {"column_order", "query"}}),
                                      {imported_id(each)}));
    imported_.pipelines.push_back(imported_pipeline(imported_id(name), std::move(steps)));
    return std::move(imported_);
  }

 private:
  void read_model(const std::string& name, Model& model) {
    if (model.sql.size() > kSqlBytesMax) {
      imported_.left.push_back(name + ".sql: is too long to be read for the tables it names");
      return;
    }
    static const std::regex ref(R"(\{\{\s*ref\(\s*['"]([^'"]+)['"]\s*\)\s*\}\})"),
        source(R"(\{\{\s*source\(\s*['"][^'"]+['"]\s*,\s*['"]([^'"]+)['"]\s*\)\s*\}\})"),
        config(R"(\{\{\s*config\([^}]*\}\})");
    model.sql = std::regex_replace(model.sql, config, "");
    model.sql = std::regex_replace(model.sql, ref, "$1");
    model.sql = std::regex_replace(model.sql, source, "$1");
    if (model.sql.find("{{") != std::string::npos || model.sql.find("{%") != std::string::npos)
      imported_.left.push_back(name + ".sql: has Jinja in it that is not taken over");
    model.sql = with_relations(name, model);
    model.sql = std::string(trim(model.sql));
    if (model.sql.ends_with(';')) model.sql.pop_back();
    model.sql += "\n";
  }

  // The text with the names of other files and of tables after FROM and JOIN as the relations of steps.
  std::string with_relations(const std::string& name, Model& model) {
    static const std::regex table(
        R"(\b(from|join)(\s+)([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*){0,2})\b(?!\s*\(|\.))",
        std::regex::icase),
        local(R"(\b([A-Za-z_][A-Za-z0-9_]*)\s+as\s*(?:materialized\s*)?\()", std::regex::icase);
    std::set<std::string> own;
    for (std::sregex_iterator at(model.sql.begin(), model.sql.end(), local), end; at != end; ++at)
      own.insert(ascii_lower((*at)[1].str()));
    std::string out;
    auto from = model.sql.cbegin();
    for (std::sregex_iterator at(model.sql.begin(), model.sql.end(), table), end; at != end; ++at) {
      const std::string read = (*at)[3];
      out.append(from, (*at)[3].first);
      from = (*at)[3].second;
      const std::string short_name = read.substr(read.rfind('.') == std::string::npos ? 0 : read.rfind('.') + 1);
      if (own.count(ascii_lower(read)) || ascii_lower(read) == "lateral" || ascii_lower(read) == "unnest") {
        out += read;
      } else if (models_.count(short_name) && short_name != name) {
        model.reads.insert(short_name);
        out += relation_name(imported_id(short_name));
      } else {
        model.sources.insert(short_name);
        sources_.insert(short_name);
        out += relation_name(source_id(short_name));
      }
    }
    out.append(from, model.sql.cend());
    return out;
  }

  Status put_in_order() {
    std::set<std::string> done;
    while (order_.size() < models_.size()) {
      const size_t before = order_.size();
      for (const auto& [name, model] : models_) {
        const bool is_ready =
            std::all_of(model.reads.begin(), model.reads.end(), [&](const auto& need) { return done.count(need) > 0; });
        if (is_ready && done.insert(name).second) order_.push_back(name);
      }
      if (order_.size() > before) continue;
      std::vector<std::string> circle;
      for (const auto& [name, model] : models_)
        if (!done.count(name)) circle.push_back(name + ".sql");
      return Error(Code::kInvalidArgument, "these files read each other in a circle: " + join(circle, ", "));
    }
    return {};
  }

  std::map<std::string, Model> models_;
  std::vector<std::string> order_;
  std::set<std::string> sources_;
  Imported imported_;
};

}  // namespace

Result<Imported> import_sql_folder(const std::string& name, const std::map<std::string, std::string>& files) {
  if (files.empty()) return Error(Code::kInvalidArgument, "there is no file that ends in .sql");
  return SqlFolder(files).read(name);
}

}  // namespace osiris
