#include "tests/e2e/project.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "protocol/base/file.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCache = ".osiris/cache";
constexpr int kPatience_ms = 30'000;
constexpr int kRunPatience_ms =
    300'000;  // of a whole run; a hundred thousand events under AddressSanitizer take their time

// The worker and the shipped adapters are 60 MB, which the first run of each project hashes, and most projects of tests
// have one run. So what one of them remembers of such a file of the build is lent to the next: osiris itself looks
// whether it is still the file that was hashed.
struct Hashed {
  const char* record;  // in a project's cache
  const char* file;    // of the build
};
constexpr Hashed kHashed[] = {{"worker.json", "lib/osiris/osiris-worker"},
                              {"local.adapter.json", "lib/osiris/adapters/local.so"},
                              {"e2b.adapter.json", "lib/osiris/adapters/e2b.so"}};

fs::path kept(const Hashed& hashed) { return build_dir() / "tests/hashes" / hashed.record; }

bool is_kept(const Hashed& hashed) {
  std::error_code error;
  const auto since = fs::last_write_time(kept(hashed), error);
  return !error && since > fs::last_write_time(build_dir() / hashed.file, error) && !error;
}

void lend_hashes(const fs::path& cache) {
  std::error_code error;
  for (const Hashed& hashed : kHashed) {
    if (!is_kept(hashed) || fs::exists(cache / hashed.record, error)) continue;
    fs::create_directories(cache, error);
    fs::copy_file(kept(hashed), cache / hashed.record, error);
  }
}

void keep_hashes(const fs::path& cache) {
  for (const Hashed& hashed : kHashed) {
    if (is_kept(hashed)) continue;
    const auto text = read_file(cache / hashed.record);
    if (!text.ok() || text->find('"' + (build_dir() / hashed.file).string() + '"') == std::string::npos) continue;
    if (make_directories(kept(hashed).parent_path()).ok()) (void)write_file_atomically(kept(hashed), *text);
  }
}

bool hashes(const std::vector<std::string>& arguments) {
  return !arguments.empty() && arguments.front() == "run" &&
         std::find(arguments.begin(), arguments.end(), "--dry-run") == arguments.end();
}

int exit_number(const ExitStatus& status) { return status.signaled ? 128 + status.value : status.value; }

fs::path from_environment(const char* name) {
  const char* value = getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set: run this through ctest";
  return value ? value : ".";
}

}  // namespace

fs::path build_dir() { return from_environment("OSIRIS_BUILD_DIR"); }
fs::path source_dir() { return from_environment("OSIRIS_SOURCE_DIR"); }

Json Outcome::json() const {
  auto parsed = parse_json(out);
  EXPECT_TRUE(parsed.ok()) << "stdout is not one JSON document: " << out << "\nstderr: " << err;
  return parsed.ok() ? *std::move(parsed) : Json();
}

bool Running::read_some() {
  pollfd fds[2] = {{process_.stdout_fd(), POLLIN, 0}, {process_.stderr_fd(), POLLIN, 0}};
  if (::poll(fds, 2, kPatience_ms) <= 0) return false;
  bool any = false;
  for (const pollfd& fd : fds) {
    if (!fd.revents) continue;
    char block[8192];
    const ssize_t got = ::read(fd.fd, block, sizeof block);
    if (got <= 0) continue;
    any = true;
    (fd.fd == process_.stdout_fd() ? out_ : err_).append(block, static_cast<size_t>(got));
  }
  return any;
}

void Running::until(const std::string& stream, std::string_view text) {
  while (stream.find(text) == std::string::npos)
    if (!read_some()) break;
  ASSERT_NE(stream.find(text), std::string::npos) << "never said '" << text << "' but: " << out_ << err_;
}

void Running::until(std::string_view text) { until(out_, text); }
void Running::until_error(std::string_view text) { until(err_, text); }

Outcome Running::end() {
  while (read_some()) {
  }
  const auto status = process_.wait(kPatience_ms);
  EXPECT_TRUE(status) << "osiris does not end: " << out_ << err_;
  return {status ? exit_number(*status) : -1, out_, err_};
}

Project::Project() {
  std::string pattern = fs::temp_directory_path() / "osiris-e2e-XXXXXX";
  root_ = fs::canonical(mkdtemp(pattern.data()));
  dir_ = root_ / "project";
  fs::create_directories(dir_);
  fs::create_directories(root_ / "home");
  write("osiris.yaml", "version: \"2.0\"\n");
  environment_ = {
      {"PATH", "/usr/bin:/bin"}, {"HOME", (root_ / "home").string()}, {"TERM", "xterm"}, {"LANG", "C.UTF-8"}};
}

// Whatever a test did to it, osiris leaves no process behind: none works in this project any more, or will in a moment.
void Project::expect_nothing_runs() const {
  std::error_code code;
  for (fs::directory_iterator entry("/proc", code), end; !code && entry != end; entry.increment(code)) {
    const pid_t pid = static_cast<pid_t>(strtol(entry->path().filename().c_str(), nullptr, 10));
    std::error_code gone;
    const fs::path cwd = pid > 0 ? fs::read_symlink(entry->path() / "cwd", gone) : fs::path();
    if (!cwd.string().starts_with(root_.string())) continue;
    const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{process.get(), POLLIN, 0};
    if (process.is_open() && ::poll(&ended, 1, kPatience_ms) != 1)
      ADD_FAILURE() << "process " << pid << " was left running: " << *read_file(entry->path() / "cmdline");
  }
}

Project::~Project() {
  expect_nothing_runs();
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

fs::path Project::write(const fs::path& file, std::string_view text, unsigned mode) const {
  const fs::path path = dir_ / file;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

std::string Project::read(const fs::path& file) const {
  auto text = read_file(dir_ / file);
  EXPECT_TRUE(text.ok()) << (text.ok() ? "" : text.error().message);
  return text.ok() ? *text : "";
}

SpawnOptions Project::spawn_options(std::vector<std::string> arguments) const {
  SpawnOptions options;
  if (hashes(arguments)) lend_hashes(dir_ / kCache);
  options.arguments = {(build_dir() / "bin/osiris").string()};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  for (const auto& [name, value] : environment_) options.environment.emplace_back(name, value);
  options.working_directory = dir_;
  return options;
}

namespace {

Outcome outcome_of(SpawnOptions options) {
  auto result = run_command(std::move(options), kRunPatience_ms, 64u << 20);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  if (!result.ok()) return {};
  return {exit_number(result->exit), result->standard_output, result->standard_error};
}

}  // namespace

Outcome Project::osiris(std::vector<std::string> arguments) const { return osiris_in("", std::move(arguments)); }

Outcome Project::osiris_in(const fs::path& directory, std::vector<std::string> arguments) const {
  const bool may_hash = hashes(arguments);
  SpawnOptions options = spawn_options(std::move(arguments));
  options.working_directory = dir_ / directory;
  Outcome outcome = outcome_of(std::move(options));
  if (may_hash) keep_hashes(dir_ / kCache);
  return outcome;
}

Outcome Project::shell_in(const fs::path& directory, const std::string& script) const {
  SpawnOptions options = spawn_options({});
  options.arguments = {"/bin/bash", "-e", "-c", script};
  options.working_directory = dir_ / directory;
  for (auto& [name, value] : options.environment)
    if (name == "PATH") value = (build_dir() / "bin").string() + ":" + value;
  return outcome_of(std::move(options));
}

Running Project::start(std::vector<std::string> arguments) const {
  auto process = Subprocess::spawn(spawn_options(std::move(arguments)));
  if (!process.ok()) {
    ADD_FAILURE() << process.error().message;
    std::abort();
  }
  return Running(*std::move(process));
}

std::vector<fs::path> Project::sessions() const {
  std::vector<fs::path> found;
  std::error_code code;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "run_logs", code))
    if (entry.path().filename() == "events.jsonl") found.push_back(entry.path().parent_path());
  std::sort(found.begin(), found.end());
  return found;
}

fs::path Project::session() const {
  const auto found = sessions();
  EXPECT_FALSE(found.empty()) << "there is no session";
  if (found.empty()) return dir_;
  return *std::max_element(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return fs::last_write_time(a / "events.jsonl") < fs::last_write_time(b / "events.jsonl");
  });
}

std::vector<Json> Project::lines(const fs::path& file) {
  std::vector<Json> out;
  const Status status = for_each_line(file, [&](std::string_view line) {
    auto parsed = parse_json(line);
    EXPECT_TRUE(parsed.ok()) << file << ": " << line;
    if (parsed.ok()) out.push_back(*std::move(parsed));
  });
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  return out;
}

std::vector<Json> Project::events(const fs::path& session, std::string_view name) {
  std::vector<Json> out = lines(session / "events.jsonl");
  std::erase_if(out, [&](const Json& event) { return event["event"].as_string() != name; });
  return out;
}

std::vector<std::string> Project::ran() const {
  std::set<std::string> steps;
  for (const Json& event : events(session(), "step_start")) steps.insert(event["step_id"].as_string());
  for (const Json& event : events(session(), "step_reused")) steps.erase(event["step_id"].as_string());
  return {steps.begin(), steps.end()};
}

Json Project::await_event(std::string_view name, size_t times) const {
  const fs::path file = session() / "events.jsonl";
  const FileDescriptor changes(inotify_init1(IN_CLOEXEC));
  inotify_add_watch(changes.get(), file.c_str(), IN_MODIFY);
  for (;;) {
    const auto found = events(file.parent_path(), name);
    if (found.size() >= times) return found[times - 1];
    pollfd ready{changes.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPatience_ms) <= 0) break;
    char block[4096];
    if (::read(changes.get(), block, sizeof block) <= 0) break;
  }
  ADD_FAILURE() << "there never was an event " << name;
  return {};
}

Json Project::status() const {
  auto parsed = parse_json(read(session() / "status.json"));
  EXPECT_TRUE(parsed.ok());
  return parsed.ok() ? *std::move(parsed) : Json();
}

Json Project::runs() const { return osiris({"runs", "list", "--json"}).json(); }

std::map<std::string, std::string> Project::tree() const {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    const std::string name = entry.path().lexically_relative(root_).string();
    out[name] = entry.is_regular_file() ? *read_file(entry.path()) : "";
  }
  return out;
}

std::string oml(std::string_view name, const std::vector<std::string>& steps) {
  std::string text = "oml_version: \"0.1.0\"\nname: " + std::string(name) + "\nsteps:\n";
  for (const std::string& step : steps) text += step;
  return text;
}

std::string mock_step(std::string_view id, std::string_view config, std::string_view needs, std::string_view extra) {
  std::string text = "  - id: " + std::string(id) +
                     "\n    component: mock\n    mode: " + (needs.empty() ? "read" : "transform") + "\n";
  text += "    needs: [" + std::string(needs) + "]\n";
  if (!extra.empty()) text += "    " + std::string(extra) + "\n";
  return text + "    config: {" + std::string(config) + "}\n";
}

bool is_alive(pid_t pid) {
  if (::kill(pid, 0) != 0) return false;
  // A zombie that nobody has reaped yet is not alive.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const size_t end = line.rfind(')');
  return end == std::string::npos || line.size() < end + 3 || line[end + 2] != 'Z';
}

}  // namespace osiris::e2e
