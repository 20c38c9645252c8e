// A pipeline of two steps that reads a CSV file and writes it elsewhere, as the texts of an osiris_request, and the
// host that was frozen with 1.0 to run it in. Header only: two test programs use it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"
#include "protocol/base/subprocess.h"

namespace osiris::abi_tests {

class TwoSteps {
 public:
  static constexpr const char* kInput = "id,name\n1,\"a, \"\"b\"\"\"\n2,c\n";
  static constexpr const char* kExpected = "id,name\n1,\"a, \"\"b\"\"\"\n2,c\n";

  // Everything is below `directory`, which must be empty.
  TwoSteps(const std::filesystem::path& directory, const std::filesystem::path& worker) : directory_(directory) {
    namespace fs = std::filesystem;
    const fs::path in = directory / "in.csv", texts = directory / "request";
    for (const char* folder : {"request", "session", "compiled", "compiled/cfg"})
      fs::create_directory(directory / folder);
    write(in, kInput);
    write(texts / "run_id", "run-000001_TEST");
    write(texts / "manifest_json", manifest_json());
    write(texts / "connections_json", R"({"connections":{},"env":[],"secret_names":[]})");
    write(texts / "settings_json", "{}");
    write(texts / "compiled_dir", (directory / "compiled").string());
    write(directory / "compiled/cfg/read.json", R"({"path":"in.csv"})");
    write(directory / "compiled/cfg/write.json", R"({"path":"out.csv"})");
    write(directory / "compiled/manifest.yaml", "{}\n");
    write(texts / "session_dir", (directory / "session").string());
    write(texts / "work_dir", directory.string());
    write(texts / "worker_path", worker.string());
    const auto digest = sha256_file(worker);
    write(texts / "worker_sha256", digest.ok() ? digest->sha256 : "");
  }

  std::filesystem::path output() const { return directory_ / "out.csv"; }
  std::string manifest_json() const { return manifest(directory_ / "in.csv").dump(); }

  CommandOutput in_frozen_host(const std::filesystem::path& library, const std::string& id,
                               const std::vector<std::string>& settings = {},
                               std::vector<std::pair<std::string, std::string>> environment = {}) const {
    SpawnOptions options;
    const std::filesystem::path build = std::getenv("OSIRIS_BUILD_DIR");
    options.arguments = {(build / "tests/abi/frozen_host").string(), library.string(), id,
                         (directory_ / "request").string()};
    options.arguments.insert(options.arguments.end(), settings.begin(), settings.end());
    options.environment = std::move(environment);
    options.environment.emplace_back("PATH", "/usr/bin:/bin");
    auto output = run_command(options, 60'000);
    if (output.ok()) return *std::move(output);
    CommandOutput failed;
    failed.standard_error = output.error().message;
    return failed;
  }

 private:
  static void write(const std::filesystem::path& file, const std::string& text) {
    if (!write_file_atomically(file, text).ok()) std::abort();
  }
  static Json file(const std::string& name, const char* key, const std::filesystem::path& path) {
    return Json::array({Json::object({{"path", name}, {key, path.string()}})});
  }
  Json manifest(const std::filesystem::path& in) const {
    const Json read = Json::object({{"id", "read"},
                                    {"component", "filesystem.csv_extractor"},
                                    {"driver", "filesystem.csv_extractor"},
                                    {"mode", "extract"},
                                    {"needs", Json::array()},
                                    {"cfg_path", "cfg/read.json"},
                                    {"cfg", Json::object({{"path", "in.csv"}})},
                                    {"inputs", Json::object()},
                                    {"input_files", file("in.csv", "source", in)},
                                    {"outputs", Json::array()}});
    const Json write = Json::object({{"id", "write"},
                                     {"component", "filesystem.csv_writer"},
                                     {"driver", "filesystem.csv_writer"},
                                     {"mode", "write"},
                                     {"needs", Json::array({"read"})},
                                     {"cfg_path", "cfg/write.json"},
                                     {"cfg", Json::object({{"path", "out.csv"}})},
                                     {"inputs", Json::object({{"df_read", Json::object({{"from_step", "read"}})}})},
                                     {"input_files", Json::array()},
                                     {"outputs", file("out.csv", "target", output())}});
    return Json::object({{"manifest", Json::object()},
                         {"steps", Json::array({read, write})},
                         {"pipeline_id", "p"},
                         {"pipeline_name", "P"},
                         {"profile", "dev"},
                         {"manifest_hash", "0"}});
  }

  const std::filesystem::path directory_;
};

}  // namespace osiris::abi_tests
