// A project in a directory of its own (an osiris.yaml that says nothing marks it) and the real `osiris` in it, with an
// environment that holds nothing of the tester's.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/base/subprocess.h"

namespace osiris::e2e {

struct Outcome {
  int exit = -1;  // 128 + signal when killed
  std::string out, err;
  Json json() const;  // of stdout; fails the test when that is not one document
};

// What an osiris started in the background writes to stdout, read as it comes.
class Running {
 public:
  explicit Running(Subprocess process) : process_(std::move(process)) {}
  pid_t pid() const { return process_.pid(); }
  void kill(int signal) const { ::kill(process_.pid(), signal); }
  // Reads until `text` has come (failing the test if it does not within 30 s).
  void until(std::string_view text);
  void until_error(std::string_view text);  // on stderr
  // Waits for the end; fails the test after 30 s.
  Outcome end();

 private:
  bool read_some();
  void until(const std::string& stream, std::string_view text);
  Subprocess process_;
  std::string out_, err_;
};

class Project {
 public:
  Project();
  ~Project();
  Project(const Project&) = delete;

  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path write(const std::filesystem::path& file, std::string_view text, unsigned mode = 0644) const;
  std::string read(const std::filesystem::path& file) const;
  void set(std::string name, std::string value) { environment_[std::move(name)] = std::move(value); }

  Outcome osiris(std::vector<std::string> arguments) const;
  // The same from another directory; relative to dir().
  Outcome osiris_in(const std::filesystem::path& directory, std::vector<std::string> arguments) const;
  // bash -e, with osiris on its PATH, in that directory.
  Outcome shell_in(const std::filesystem::path& directory, const std::string& script) const;
  Running start(std::vector<std::string> arguments) const;
  SpawnOptions spawn_options(std::vector<std::string> arguments) const;

  // The newest run directory; fails the test if there is none.
  std::filesystem::path session() const;
  std::vector<std::filesystem::path> sessions() const;
  // The lines of a .jsonl file, each of which must be valid.
  static std::vector<Json> lines(const std::filesystem::path& file);
  static std::vector<Json> events(const std::filesystem::path& session, std::string_view name);
  // The steps that ran in the newest session and were not taken from an earlier one, sorted.
  std::vector<std::string> ran() const;
  // Waits until the newest session has so many of such an event (failing the test after 30 s) and returns the last of
  // these.
  Json await_event(std::string_view name, size_t times = 1) const;
  Json status() const;
  // The index as `runs list --json` shows it.
  Json runs() const;

  // Every path below the directory with type, size and content.
  std::map<std::string, std::string> tree() const;

 private:
  void expect_nothing_runs() const;

  std::filesystem::path root_, dir_;
  std::map<std::string, std::string> environment_;
};

std::filesystem::path build_dir();
std::filesystem::path source_dir();

// OML text of `steps` (each already indented YAML of one step).
std::string oml(std::string_view name, const std::vector<std::string>& steps);
// A step of the mock driver; `config` is the inside of a YAML flow mapping.
std::string mock_step(std::string_view id, std::string_view config, std::string_view needs = "",
                      std::string_view extra = "");

bool is_alive(pid_t pid);

}  // namespace osiris::e2e
