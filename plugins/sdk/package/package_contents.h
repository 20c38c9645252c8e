// The run package: plan, step configs and the input files, as an archive that streams into the machine while it is
// made, and the table that tells the worker what each member is. docs/run-package.md.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/package/layout.h"
#include "protocol/archive/archive.h"
#include "protocol/http/transport.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

struct PackageContents {
  struct Member {
    rpc::PackageFile file;  // the same as in `package`
    std::string source;     // absolute on this machine; empty: `text` is the content
    std::string text;
  };
  std::vector<Member> members;
  rpc::Package package;                    // for prepare
  std::vector<rpc::PathMapping> path_map;  // the plan's paths -> the machine
  std::string plan_path;

  int64_t files_sent() const {
    return std::count_if(members.begin(), members.end(), [](const Member& member) { return !member.file.present; });
  }
};

// Lays out the members the request's "prepared" document names, in its order; sizes and hashes are the document's.
// `keep_inputs`: input files go where a later run finds them by their content. kInvalidState when there is no such
// document.
Result<PackageContents> list_package_contents(const RunRequest& request, const Layout& layout, bool keep_inputs);
// The kept inputs among `files` do not travel, all others do.
void leave_out(PackageContents& contents, const std::set<std::string>& files);
// Inputs that are on the machine already do not travel: where they are there, by where they are here.
void take_present(PackageContents& contents, const std::map<std::string, std::string>& places);
// Where the kept inputs are once the run has begun.
std::set<std::string> kept_inputs(const PackageContents& contents);

// Packs on a thread of its own, from construction on, into a bounded pipe. Where the machine has no more threads, on
// the one that sends.
class PackageStream {
 public:
  // `ahead_max`: bytes that are packed before they are sent.
  explicit PackageStream(const PackageContents& contents, size_t ahead_max = 16u << 20,
                         archive::WriterOptions options = {});
  ~PackageStream();
  // Sends the archive's bytes as they come, until its end. An input that changed since it was prepared is an error.
  Status write_to(const std::function<bool(std::string_view)>& sink);

 private:
  Status pack(const std::function<bool(std::string_view)>& sink) const;

  const PackageContents& contents_;
  const archive::WriterOptions options_;
  http::BodyPipe pipe_;
  std::thread packer_;
};

}  // namespace osiris::sdk
