#include "host/compiler/shard_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "host/compiler/foreach.h"
#include "protocol/base/file_pattern.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::string_view kFileOfShard = "${shard.value}";

Error wrong(const std::string& step_id, const std::string& message, std::string hint) {
  return Error(Code::kInvalidArgument, "Step '" + step_id + "': " + message, std::move(hint));
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// "calls-01.csv.gz" -> "calls-01"
std::string stem_of(const fs::path& file) {
  fs::path name = file.filename();
  for (const char* ending : {".gz", ".bz2", ".xz", ".zst", ".zip"})
    if (name.extension() == ending && !name.stem().empty()) {
      name = name.stem();
      break;
    }
  return name.stem();
}

Result<std::vector<fs::path>> found_files(const std::string& pattern, const fs::path& absolute) {
  std::error_code ignored;
  if (is_file_pattern(pattern) && !fs::exists(absolute, ignored)) return find_files(absolute);
  std::vector<fs::path> files;
  if (fs::is_regular_file(absolute, ignored)) files.push_back(absolute);
  return files;
}

Result<std::vector<Shard>> shards_of_files(const std::string& pattern, const std::string& step_id,
                                           const fs::path& start) {
  const fs::path absolute = (fs::path(pattern).is_absolute() ? fs::path(pattern) : start / pattern).lexically_normal();
  auto found = found_files(pattern, absolute);
  if (!found.ok()) return found.error().within("'" + pattern + "' of foreach");
  if (found->size() > kShardsMax)
    return wrong(step_id, std::to_string(found->size()) + " files match '" + pattern + "' of foreach",
                 "there may be " + std::to_string(kShardsMax) + " shards: name less files, or read them in one step");
  std::vector<Shard> shards;
  std::map<std::pair<dev_t, ino_t>, std::string> names;
  for (const fs::path& file : *found) {
    const std::string path = spelled_as(file, pattern, absolute);
    if (has_control_character(path))
      return wrong(step_id, "a file of foreach has a control character in its name: " + Json(path).dump(),
                   "rename the file");
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) continue;  // gone since it was found
    const auto [first, is_new] = names.try_emplace({info.st_dev, info.st_ino}, path);
    if (!is_new)
      return wrong(step_id, "'" + first->second + "' and '" + path + "' of foreach are one file",
                   "its rows would be read twice: remove the link, or name it by a pattern that leaves one out");
    shards.push_back({shards.size(), path, path, stem_of(file)});
  }
  return shards;
}

// Why a value cannot be a part of a path; null: it can.
const char* why_not_in_path(const std::string& text) {
  if (text.empty()) return "is empty";
  if (text.find('/') != std::string::npos) return "has a '/'";
  if (text == "." || text.find("..") != std::string::npos) return "leads to another directory";
  return has_control_character(text) ? "has a control character" : nullptr;
}

class FilesOfShards {
 public:
  FilesOfShards(const std::string& id, const ComponentSpec& spec, const Json& cfg, const Json& fields,
                const fs::path& work_dir, const StepShards& shards)
      : id_(id), spec_(spec), cfg_(cfg), fields_(fields), work_dir_(work_dir), shards_(shards) {}

  Result<ShardedFiles> find() {
    const StepFiles written = find_step_files(spec_, cfg_, fields_, work_dir_);
    for (const Shard& shard : shards_.list) {
      const StepFiles filled = find_step_files(spec_, config_of(shard), fields_, work_dir_);
      OSIRIS_TRY(add_inputs(shard, written.reads, filled.reads));
      OSIRIS_TRY(add_outputs(shard, written.writes, filled.writes, found_.files.writes));
      OSIRIS_TRY(
          add_outputs(shard, written.written_addresses, filled.written_addresses, found_.files.written_addresses));
      for (size_t i = 0; i < filled.addresses.size(); ++i) {
        if (i < written.addresses.size()) OSIRIS_TRY(look_at(shard, written.addresses[i].path, false));
        found_.files.addresses.push_back(filled.addresses[i]);
      }
    }
    return std::move(found_);
  }

 private:
  Json config_of(const Shard& shard) const {
    Json config = cfg_;
    for (const auto* keys : {&spec_.reads, &spec_.writes}) {
      for (const std::string& key : *keys) {
        Json* value = config.find(key);
        if (!value) continue;
        if (value->is_string()) *value = fill_shard(value->as_string(), shard);
        if (value->is_array())
          for (Json& item : value->items())
            if (item.is_string()) item = fill_shard(item.as_string(), shard);
      }
    }
    return config;
  }

  Status look_at(const Shard& shard, const std::string& written, bool reads) const {
    if (!names_shard(written) || (reads && shards_.rule.contains("files") && written == kFileOfShard)) return {};
    const std::pair<const char*, const std::string*> parts[] = {{"${shard.value}", &shard.text},
                                                                {"${shard.stem}", &shard.stem}};
    for (const auto& [placeholder, text] : parts) {
      if (written.find(placeholder) == std::string::npos) continue;
      if (const char* why = why_not_in_path(*text))
        return wrong(id_,
                     "the value " + Json(*text).dump() + " of " + placeholder + " " + why +
                         " and cannot stand in the path '" + written + "'",
                     shards_.rule.contains("files") ? "${shard.stem} is the file's name without directory and ending"
                                                    : "number the files: ${shard.index}");
    }
    return {};
  }

  Status add_inputs(const Shard& shard, const std::vector<StepFile>& written, const std::vector<StepFile>& filled) {
    for (size_t i = 0; i < filled.size(); ++i) {
      const bool names = i < written.size() && names_shard(written[i].path);
      if (names) OSIRIS_TRY(look_at(shard, written[i].path, true));
      if (!seen_.insert(filled[i].path).second) continue;
      found_.files.reads.push_back(filled[i]);
      OSIRIS_ASSIGN(const std::vector<StepFile> planned, planned_reads(spec_, {{filled[i]}, {}, {}, {}}));
      for (const StepFile& file : planned) {
        PlanFile input{file.path, file.absolute.string(), file.pattern, file.is_directory};
        if (names && planned.size() == 1 && !filled[i].is_pattern) input.pattern = written[i].path;
        if (names) record(input);
        found_.inputs.push_back(std::move(input));
      }
    }
    return {};
  }

  static void record(PlanFile& input) {
    struct stat info{};
    if (::stat(input.location.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    input.size_bytes = static_cast<uint64_t>(info.st_size);
    input.modified_ns = info.st_mtim.tv_sec * kNanosPerSecond + info.st_mtim.tv_nsec;
  }

  Status add_outputs(const Shard& shard, const std::vector<StepFile>& written, const std::vector<StepFile>& filled,
                     std::vector<StepFile>& found) {
    for (size_t i = 0; i < filled.size(); ++i) {
      if (i < written.size()) OSIRIS_TRY(look_at(shard, written[i].path, false));
      const auto [first, is_new] = writers_.try_emplace(filled[i].absolute, &shard);
      if (!is_new)
        return wrong(id_, first->second->shown() + " and " + shard.shown() + " write one file: " + filled[i].path,
                     "name the shards apart: ${shard.index}");
      found.push_back(filled[i]);
    }
    return {};
  }

  const std::string& id_;
  const ComponentSpec& spec_;
  const Json& cfg_;
  const Json& fields_;
  const fs::path& work_dir_;
  const StepShards& shards_;
  ShardedFiles found_;
  std::set<std::string> seen_;
  std::map<fs::path, const Shard*> writers_;
};

Json document_of(const PlanStep& step) {
  std::map<std::string_view, const PlanFile*> files;
  for (const PlanFile& file : step.input_files) files[file.path] = &file;
  Json list = Json::array();
  for (const Shard& shard : step.shards->list) {
    Json entry = Json::object({{"index", shard.index}, {"value", shard.value}, {"stem", shard.stem}});
    if (const auto file = files.find(shard.text); file != files.end() && file->second->modified_ns != 0) {
      entry.set("location", file->second->location);
      entry.set("size_bytes", file->second->size_bytes);
      entry.set("modified_ns", file->second->modified_ns);
    }
    list.push_back(std::move(entry));
  }
  return Json::object({{"foreach", step.shards->rule}, {"steps", Json::array({step.id})}, {"shards", std::move(list)}});
}

}  // namespace

Result<std::vector<Shard>> settled_shards(const Foreach& foreach, const std::string& step_id, const fs::path& start) {
  if (!foreach.rule.contains("files")) return listed_shards(foreach.rule);
  const std::string& pattern = foreach.rule["files"].as_string();
  OSIRIS_ASSIGN(std::vector<Shard> shards, shards_of_files(pattern, step_id, start));
  if (shards.empty() && !foreach.allow_empty)
    return wrong(step_id, "no file matches '" + pattern + "' of foreach (below " + start.string() + ")",
                 "relative paths start in the project's directory; write allow_empty: true if there may be none");
  return shards;
}

Result<ShardedFiles> files_of_shards(const std::string& id, const ComponentSpec& spec, const Json& cfg,
                                     const Json& connection_fields, const fs::path& work_dir,
                                     const StepShards& shards) {
  return FilesOfShards(id, spec, cfg, connection_fields, work_dir, shards).find();
}

Json shards_document(const Plan& plan) {
  std::vector<std::pair<Json, Json>> lists;  // rule and document
  for (const PlanStep& step : plan.steps) {
    if (!step.shards) continue;
    const auto known =
        std::find_if(lists.begin(), lists.end(), [&](const auto& list) { return list.first == step.shards->rule; });
    if (known == lists.end())
      lists.emplace_back(step.shards->rule, document_of(step));
    else
      known->second.find("steps")->push_back(step.id);
  }
  if (lists.empty()) return {};
  Json documents = Json::array();
  for (auto& [rule, document] : lists) documents.push_back(std::move(document));
  return Json::object({{"version", 1}, {"lists", std::move(documents)}});
}

}  // namespace osiris
