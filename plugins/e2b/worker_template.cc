#include "plugins/e2b/worker_template.h"

#include <osiris/sdk/delivery.hpp>

#include "plugins/e2b/dependencies.h"
#include "plugins/e2b/failures.h"
#include "protocol/archive/build_context.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::e2b {
namespace {

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string install_command(const Config& config, const std::string& worker, const std::string& root,
                            const std::string& file) {
  std::string command = "env";
  for (const auto& [name, value] : config.build_environment) command += " " + shell_quoted(name + "=" + value);
  return command + " " + worker + " --install-requirements " + file + " --cache-dir " + root + "/cache";
}

// COPY of one archive of ours to `destination`.
Result<BuildStep> copy_step(const std::filesystem::path& context, const std::vector<archive::NamedFile>& files,
                            const std::string& source, const std::string& destination) {
  OSIRIS_TRY(archive::write_build_context(context, files));
  std::string content = source + "\n" + destination + "\n";
  for (const archive::NamedFile& file : files) {
    OSIRIS_ASSIGN(const FileDigest digest, sha256_file(file.source));
    content += file.name + " " + std::to_string(file.mode) + " " + digest.sha256 + "\n";
  }
  BuildStep step;
  step.type = "COPY";
  step.arguments = {source, destination, "root", ""};
  step.context = context;
  step.files_hash = sha256_hex(content);
  return step;
}

}  // namespace

Result<std::optional<TemplateSpec>> worker_template(const Config& config, const RunInputs& request,
                                                    const std::string& from_template) {
  const std::vector<std::string> sets =
      config.install_deps && config.deps_in_template ? requirement_sets(request) : std::vector<std::string>();
  if (!config.cpu_count && !config.memory_bytes && !config.min_free_disk_bytes && config.image.empty() && sets.empty())
    return std::optional<TemplateSpec>();

  const std::filesystem::path directory = request.adapter_dir() / "template";
  OSIRIS_TRY(make_directories(directory));
  std::string packed;
  OSIRIS_TRY(status_of([&] { packed = adapter_sdk::packed_worker(request.worker_path, request.worker_sha256); }));
  OSIRIS_TRY(write_file_atomically(directory / "worker.zst", packed));
  OSIRIS_TRY(write_file_atomically(directory / "unpack", adapter_sdk::worker_unpacker(), {.mode = 0755}));

  TemplateSpec spec;
  spec.from_image = config.image;
  if (config.image.empty()) spec.from_template = from_template;
  spec.cpu_count = config.cpu_count;
  if (config.memory_bytes) spec.memory_mb = *config.memory_bytes / (1 << 20);
  if (config.min_free_disk_bytes) spec.min_free_disk_mb = (*config.min_free_disk_bytes + (1 << 20) - 1) / (1 << 20);
  const std::string root = kTemplateRoot;
  const std::string worker = adapter_sdk::worker_place(root, request.worker_sha256);
  OSIRIS_ASSIGN(BuildStep copy, copy_step(directory / "worker.tar.gz",
                                          {{"osiris/unpack", directory / "unpack", 0755},
                                           {"osiris/worker.zst", directory / "worker.zst", 0644}},
                                          "osiris", root));
  spec.steps.push_back(std::move(copy));
  // The unpacked worker says its version and ends; from then on it is found unpacked.
  spec.steps.push_back(
      {"RUN",
       {"cd " + root + " && chmod 755 unpack && ./unpack worker.zst " + worker + " --version && rm unpack worker.zst",
        "root"},
       {},
       {}});
  for (size_t i = 0; i < sets.size(); ++i) {
    const std::string name = "requirements-" + std::to_string(i + 1) + ".json";
    OSIRIS_TRY(write_file_atomically(directory / name, sets[i]));
    OSIRIS_ASSIGN(BuildStep requirements,
                  copy_step(directory / (name + ".tar.gz"), {{name, directory / name, 0644}}, name, root + "/" + name));
    spec.steps.push_back(std::move(requirements));
    spec.steps.push_back({"RUN", {install_command(config, worker, root, root + "/" + name), "root"}, {}, {}});
  }
  if (!sets.empty()) spec.steps.push_back({"RUN", {"chmod -R a+rX " + root, "root"}, {}, {}});
  return std::optional<TemplateSpec>(std::move(spec));
}

}  // namespace osiris::e2b
