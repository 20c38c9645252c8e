// Where things lie in a sandbox. Everything of ours is below one directory of the sandbox's user.
#pragma once

#include <string>

namespace osiris::sdk {

inline constexpr const char* kHome = "/home/user";
inline constexpr const char* kRoot = "/home/user/.osiris";
// In templates that osiris built.
inline constexpr const char* kTemplateRoot = "/opt/osiris";

// In kept sandboxes: input files by their content, so that the next run need not send those that did not change.
inline constexpr const char* kKeptInputs = "/home/user/.osiris/inputs";

struct Layout {
  std::string run;  // kRoot/runs/<run id>: all that belongs to one run

  std::string package() const { return run + "/package.tar.zst"; }
  std::string arrived() const { return run + "/arrived"; }  // the last file of the upload
  std::string inputs() const { return run + "/inputs"; }
  std::string outputs() const { return run + "/outputs"; }
  std::string session() const { return run + "/session"; }
  std::string work() const { return run + "/work"; }
  std::string artifacts() const { return run + "/artifacts.tar.zst"; }
  std::string records() const { return session() + "/.worker/records.jsonl"; }
};

inline Layout layout_of(const std::string& run_id) { return {std::string(kRoot) + "/runs/" + run_id}; }
inline std::string worker_file(const std::string& root, const std::string& sha256) { return root + "/worker-" + sha256.substr(0, 16); }

}  // namespace osiris::sdk
