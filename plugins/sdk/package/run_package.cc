#include "plugins/sdk/package/run_package.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;

std::string numbered(const char* folder, size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "%s/%04zu", folder, number);
  return name;
}

Result<Json> describe_text(const PackageMember& member) {
  return Json::object(
      {{"path", member.path}, {"size_bytes", uint64_t{member.text.size()}}, {"sha256", sha256_hex(member.text)}});
}

// A file that is not here is noted and no error: the step that reads it fails, in the same way wherever it runs.
Result<Json> describe_input(const PackageMember& member, bool hash) {
  Json entry = Json::object({{"path", member.path}, {"input", member.input_path}});
  std::error_code error;
  const fs::file_status status = fs::status(member.source, error);
  if (status.type() == fs::file_type::not_found) {
    entry.set("missing", true);
  } else if (!hash) {
    if (fs::is_regular_file(status)) entry.set("size_bytes", uint64_t{fs::file_size(member.source, error)});
  } else if (!fs::is_regular_file(status)) {
    return Error(Code::kInvalidArgument,
                 "the input " + member.input_path + " cannot travel: " + member.source + " is not a regular file",
                 "Copy what it gives into a file first.");
  } else {
    OSIRIS_ASSIGN(const FileDigest digest, sha256_file(member.source));
    entry.set("size_bytes", digest.size_bytes);
    entry.set("sha256", digest.sha256);
  }
  return entry;
}

}  // namespace

Result<std::vector<PackageMember>> package_members(const RunRequest& request) {
  std::vector<PackageMember> members;
  members.push_back({"plan.json", {}, request.manifest.dump_canonical(), {}});
  std::set<std::string> seen;
  for (const PlanStep& step : request.steps()) {
    if (step.cfg_path.empty() || !seen.insert(step.cfg_path).second) continue;
    members.push_back({step.cfg_path, {}, step.cfg.dump_canonical(), {}});
  }
  seen.clear();
  for (const PlanStep& step : request.steps()) {
    for (const PlanFile& input : step.input_files) {
      if (!seen.insert(input.location).second) continue;
      members.push_back({numbered("inputs", seen.size()), input.location, {}, input.path});
    }
  }
  return members;
}

Result<Json> prepared_document(const RunRequest& request, const PackageOptions& options) {
  OSIRIS_ASSIGN(const std::vector<PackageMember> members, package_members(request));
  Json files = Json::array();
  for (const PackageMember& member : members) {
    OSIRIS_ASSIGN(Json entry,
                  member.source.empty() ? describe_text(member) : describe_input(member, options.hash_inputs));
    files.push_back(std::move(entry));
  }
  std::vector<std::string> names = request.connection_secrets();
  for (const std::string& name : options.environment_names) names.push_back("env/" + name);
  std::sort(names.begin(), names.end());
  Json secrets = Json::array();
  for (const std::string& name : names) secrets.push_back(name);

  // A repeated option becomes a list.
  Json chosen = Json::object();
  for (const auto& [name, value] : options.options) {
    Json* present = chosen.find(name);
    if (!present) {
      chosen.set(name, value);
    } else {
      if (!present->is_array()) *present = Json::array({*present});
      present->push_back(value);
    }
  }
  return Json::object({{"schema", "osiris.prepared/1"},
                       {"files", std::move(files)},
                       {"secret_names", std::move(secrets)},
                       {"options", std::move(chosen)}});
}

}  // namespace osiris::sdk
