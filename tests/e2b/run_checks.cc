#include "tests/e2b/run_checks.h"

#include <dirent.h>

#include <algorithm>
#include <cstdlib>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  DIR* proc = ::opendir("/proc");
  while (const dirent* entry = ::readdir(proc))
    if (const int pid = std::atoi(entry->d_name)) pids.push_back(pid);
  ::closedir(proc);
  return pids;
}

pid_t parent_of(pid_t pid) {
  const auto line = read_file("/proc/" + std::to_string(pid) + "/stat");
  const size_t end = line ? line->rfind(')') : std::string::npos;
  return end == std::string::npos ? 0 : std::atoi(line->c_str() + std::min(line->size(), end + 4));
}

// Processes whose environment or command line names the directory: osiris and whatever it started in it.
size_t count_processes_of(const fs::path& directory) {
  size_t count = 0;
  for (const pid_t pid : all_pids()) {
    const std::string base = "/proc/" + std::to_string(pid);
    for (const char* file : {"/environ", "/cmdline"}) {
      const auto text = read_file(base + file);  // an error when it ended meanwhile
      if (!text || text->find(directory.string()) == std::string::npos) continue;
      ++count;
      break;
    }
  }
  return count;
}

// The canary as it is, and in the shapes in which it would travel.
bool holds_canary(std::string_view text) {
  static const std::vector<std::string> kForms = [] {
    const std::string secret = kCanary;
    std::vector<std::string> forms = {secret, to_hex(secret)};
    for (size_t shift = 0; shift < 3; ++shift) forms.push_back(base64(std::string_view(secret).substr(shift, 15)));
    return forms;
  }();
  for (const std::string& form : kForms)
    if (text.find(form) != std::string_view::npos) return true;
  return false;
}

}  // namespace

size_t count_descendants(pid_t root) {
  std::map<pid_t, pid_t> parents;
  for (const pid_t pid : all_pids()) parents[pid] = parent_of(pid);
  size_t count = 0;
  for (const auto& [pid, parent] : parents)
    for (pid_t up = parent; up > 1; up = parents.count(up) ? parents[up] : 0)
      if (up == root) {
        ++count;
        break;
      }
  return count;
}

void check_error(ServerProcess& server, const Project& project, const Outcome& outcome, Ended& ended) {
  if (outcome.err.find("💡") == std::string::npos) ended.complaints.push_back("the error names no remedy");
  if (project.sessions().empty()) return;
  const auto mapped = Project::events(project.session(), "run_error");
  if (mapped.empty()) {
    ended.complaints.push_back("the session holds no error");
    return;
  }
  const Json& detail = mapped.back()["detail"];
  ended.error_class = detail["class"].as_string();
  if (outcome.exit == 3 && ended.error_class.empty())
    ended.complaints.push_back("the error has no class: " + mapped.back().dump());
  if (detail.contains("operation") && !detail.contains("attempts"))
    ended.complaints.push_back("the error does not say whether it was retried: " + detail.dump());
  if (!detail.contains("http_status")) return;
  const std::string id = detail["request_id"].as_string();
  bool known = false;
  const Json seen = server.requests();
  for (const Json& request : seen.items())
    known |= request["request_id"].as_string() == id && request["status"].as_int() == detail["http_status"].as_int();
  if (!known)
    ended.complaints.push_back("the error's request id '" + id + "' is of no answer with status " +
                               detail["http_status"].dump());
}

void check_invariants(ServerProcess& server, const Project& project, const Outcome& outcome,
                      const std::map<std::string, std::string>& outputs, Ended& ended, int kept_max) {
  auto& complaints = ended.complaints;
  const Json left = server.sandboxes();
  if (left.size() > static_cast<size_t>(kept_max)) complaints.push_back("sandboxes are left: " + left.dump());
  for (const Json& sandbox : left.items()) server.kill_sandbox(sandbox["sandboxID"].as_string());
  if (!test::eventually([&] { return count_descendants(server.pid()) == 0; }))
    complaints.push_back("processes of sandboxes are left");
  if (!test::eventually([&] { return count_processes_of(project.dir().parent_path()) == 0; }))
    complaints.push_back("osiris left a process behind");

  const auto tree = project.tree();
  for (const auto& [file, right] : outputs) {
    const auto found = tree.find("project/" + file);
    if (found == tree.end()) {
      if (outcome.exit == 0) complaints.push_back("success without " + file);
    } else if (found->second != right) {
      complaints.push_back(file + " is wrong: " + found->second.substr(0, 200));
    }
    const std::string beside = "project/" + file + ".";
    for (const auto& [path, content] : tree)
      if (path.starts_with(beside)) complaints.push_back("half a file is left: " + path);
  }
  for (const auto& [path, content] : tree) {
    if (holds_canary(content)) complaints.push_back("the secret is in " + path);
    if (content.find(server.api_key()) != std::string::npos) complaints.push_back("the API key is in " + path);
  }
  if (holds_canary(outcome.out + outcome.err)) complaints.push_back("the secret was printed");
  const Json recorded = server.requests();
  for (const Json& request : recorded.items()) {
    const std::string route = request["route"].as_string();
    if (route != "POST /process.Process/StreamInput" && holds_canary(request.dump()))
      complaints.push_back("the secret travelled in " + route);
    if (request["body"].dump().find(server.api_key()) != std::string::npos)
      complaints.push_back("the API key travelled in the body of " + route);
  }
  if (holds_canary(server.logs()))
    complaints.push_back("the secret is in the log that the service keeps of its sandboxes");
  ended.log = outcome.out + outcome.err;
  for (const auto& [path, content] : tree)
    if (path.ends_with("osiris.log")) ended.log += content;
}

}  // namespace osiris::e2b_test
