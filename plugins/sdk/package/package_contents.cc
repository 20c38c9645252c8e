#include "plugins/sdk/package/package_contents.h"

#include <filesystem>
#include <map>
#include <set>

#include "plugins/sdk/package/run_package.h"
#include "protocol/archive/archive.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;

// The part of a path that drivers read: the file's own name, whose ending tells a compression, and from the first
// directory called "key=value" on, which tell the values of columns.
fs::path telling_name(const fs::path& source) {
  fs::path name;
  for (const fs::path& part : source.parent_path())
    if (!name.empty() || part.native().find('=') != std::string::npos) name /= part;
  return name / source.filename();
}

// "inputs/0003" -> <inputs>/0003/<what the source's path tells>
std::string machine_path(const PackageMember& member, const Layout& layout) {
  if (member.source.empty()) return layout.run + "/" + member.path;
  return layout.run + "/" + member.path + "/" + telling_name(member.source).string();
}

struct OutputPlace {
  std::string directory;  // its own, numbered
  std::string path;
  bool parent_exists = false;
};

// By their targets, in the order of the plan.
std::vector<std::pair<std::string, OutputPlace>> output_places(const RunRequest& request, const Layout& layout) {
  std::vector<std::pair<std::string, OutputPlace>> places;
  std::set<std::string> seen;
  for (const PlanStep& step : request.steps()) {
    for (const PlanFile& output : step.outputs) {
      const fs::path target = output.location;
      if (!seen.insert(target.string()).second) continue;
      OutputPlace place{layout.outputs() + "/" + std::to_string(seen.size()), {}, false};
      std::error_code ignored;
      place.parent_exists = fs::is_directory(target.parent_path(), ignored);
      place.path = place.directory + (place.parent_exists ? "/" : "/missing/") + target.filename().string();
      places.emplace_back(target.string(), std::move(place));
    }
  }
  return places;
}

// Outputs are numbered, each in a directory of its own. Where the target's directory does not exist here, it does not
// exist there either, so that a writer told not to create directories fails in both places.
void map_outputs(const std::vector<std::pair<std::string, OutputPlace>>& places, PackageContents& contents) {
  for (const auto& [target, place] : places) {
    contents.package.directories.push_back(place.directory);
    contents.path_map.push_back({target, place.path});
    if (!place.parent_exists)
      contents.path_map.push_back({fs::path(target).parent_path().string(), place.directory + "/missing"});
  }
}

// Where an input is that is an output too: where the step will put the new one. Empty: it is none.
std::string place_of_updated(const std::vector<std::pair<std::string, OutputPlace>>& places,
                             const std::string& source) {
  for (const auto& [target, place] : places)
    if (target == source) return place.path;
  return {};
}

bool is_kept_input(const PackageContents& contents, const rpc::PackageFile& file) {
  return !contents.package.prune.empty() && file.to.starts_with(contents.package.prune);
}

}  // namespace

void leave_out(PackageContents& contents, const std::set<std::string>& files) {
  for (size_t i = 0; i < contents.members.size(); ++i) {
    rpc::PackageFile& file = contents.package.files[i];
    file.present = is_kept_input(contents, file) && files.count(file.to) > 0;
    contents.members[i].file.present = file.present;
  }
}

void take_present(PackageContents& contents, const std::map<std::string, std::string>& places) {
  if (places.empty()) return;
  for (size_t i = 0; i < contents.members.size(); ++i) {
    const auto place = places.find(contents.members[i].source);
    if (place == places.end()) continue;
    rpc::PackageFile& file = contents.package.files[i];
    file.to = place->second;
    file.present = true;
    contents.members[i].file = file;
  }
  for (rpc::PathMapping& each : contents.path_map)
    if (const auto place = places.find(each.from); place != places.end()) each.to = place->second;
}

std::set<std::string> kept_inputs(const PackageContents& contents) {
  std::set<std::string> files;
  for (const rpc::PackageFile& file : contents.package.files)
    if (is_kept_input(contents, file)) files.insert(file.to);
  return files;
}

Result<PackageContents> list_package_contents(const RunRequest& request, const Layout& layout, bool keep_inputs) {
  if (!request.prepared["files"].is_array())
    return Error(Code::kInvalidState, "execute was called without the prepared document");
  std::map<std::string, const Json*> index;
  for (const Json& entry : request.prepared["files"].items()) index[entry["path"].as_string()] = &entry;

  OSIRIS_ASSIGN(std::vector<PackageMember> members, package_members(request));
  const auto outputs = output_places(request, layout);
  PackageContents contents;
  contents.package.path = layout.package();
  contents.plan_path = layout.run + "/plan.json";
  if (keep_inputs) contents.package.prune = layout.kept_inputs();
  std::set<std::string> places;
  for (PackageMember& member : members) {
    const auto entry = index.find(member.path);
    if (entry == index.end()) return Error(Code::kInvalidState, "the prepared document lacks " + member.path);
    if ((*entry->second)["missing"].as_bool()) {  // not here, so not there: the step that reads it says so
      contents.path_map.push_back({member.source, machine_path(member, layout)});
      continue;
    }
    PackageContents::Member planned;
    planned.file.number = static_cast<uint32_t>(contents.members.size() + 1);
    planned.file.size_bytes = (*entry->second)["size_bytes"].as_uint();
    planned.file.sha256 = (*entry->second)["sha256"].as_string();
    const std::string updated = place_of_updated(outputs, member.source);
    const bool kept = keep_inputs && !member.source.empty() && updated.empty();
    planned.file.to =
        kept ? layout.kept_inputs() + "/" + planned.file.sha256 + "/" + telling_name(member.source).string()
        : updated.empty() ? machine_path(member, layout)
                          : updated;
    if (!member.source.empty() && updated.empty()) contents.path_map.push_back({member.source, planned.file.to});
    if (!places.insert(planned.file.to).second) continue;  // two inputs of one name and content
    planned.source = std::move(member.source);
    planned.text = std::move(member.text);
    contents.package.files.push_back(planned.file);
    contents.members.push_back(std::move(planned));
  }
  map_outputs(outputs, contents);
  contents.package.directories.push_back(layout.work());
  contents.package.directories.push_back(layout.session());
  contents.path_map.push_back({request.work_dir.string(), layout.work()});
  return contents;
}

PackageStream::PackageStream(const PackageContents& contents, size_t ahead_max, archive::WriterOptions options)
    : contents_(contents), options_(options), pipe_(ahead_max) {
  static_cast<void>(begin_thread(packer_, [this] {
    const Status packed = pack([this](std::string_view bytes) { return pipe_.write(bytes); });
    if (!packed) return pipe_.fail(packed.error());
    pipe_.close();
  }));
}

Status PackageStream::pack(const std::function<bool(std::string_view)>& sink) const {
  archive::Writer writer(sink, options_);
  for (const PackageContents::Member& member : contents_.members) {
    if (member.file.present) continue;
    if (member.source.empty()) {
      OSIRIS_TRY(writer.add_bytes(member.file.number, member.text));
      continue;
    }
    OSIRIS_ASSIGN(const auto digest, writer.add_file(member.file.number, member.source, member.file.size_bytes));
    if (digest.sha256 != member.file.sha256)
      return Error(Code::kUnavailable, member.source + " changed after the run was prepared",
                   "Run again when nothing writes to it.");
  }
  return writer.finish();
}

PackageStream::~PackageStream() {
  pipe_.abandon();
  if (packer_.joinable()) packer_.join();
}

Status PackageStream::write_to(const std::function<bool(std::string_view)>& sink) {
  if (!packer_.joinable()) return pack(sink);  // the machine has no more threads
  std::string block(1u << 18, '\0');
  for (;;) {
    size_t count = 0;
    switch (pipe_.read_wait(block.data(), block.size(), &count)) {
      case http::BodyPipe::Read::kBytes:
        if (!sink(std::string_view(block).substr(0, count))) return Error(Code::kCancelled, "the upload stopped");
        break;
      case http::BodyPipe::Read::kEnd:
        return {};
      case http::BodyPipe::Read::kAgain:
      case http::BodyPipe::Read::kFailed:
        return *pipe_.failure();
    }
  }
}

}  // namespace osiris::sdk
