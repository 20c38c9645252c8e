// Where things are on a remote worker's machine. Everything of ours is below one directory of the machine's user.
#pragma once

#include <string>
#include <string_view>

namespace osiris::sdk {

struct Layout {
  std::string home;  // of the machine's user
  std::string root;  // all that osiris puts there
  std::string run;   // root/runs/<run id>: all that belongs to one run

  std::string package() const { return run + "/package.tar.zst"; }
  std::string arrived() const { return run + "/arrived"; }  // the last file of the upload
  std::string outputs() const { return run + "/outputs"; }
  std::string session() const { return run + "/session"; }
  std::string work() const { return run + "/work"; }
  std::string artifacts() const { return run + "/artifacts.tar.zst"; }
  std::string records() const { return session() + "/.worker/records.jsonl"; }
  std::string cache() const { return root + "/cache"; }
  // On a machine that is kept: input files by their content, so that the next run need not send those that did not
  // change.
  std::string kept_inputs() const { return root + "/inputs"; }
};

inline Layout layout_of(const std::string& home, const std::string& run_id) {
  const std::string root = home + "/.osiris";
  return {home, root, root + "/runs/" + run_id};
}
inline std::string worker_file(const std::string& root, const std::string& sha256) {
  return root + "/worker-" + sha256.substr(0, 16);
}

}  // namespace osiris::sdk
