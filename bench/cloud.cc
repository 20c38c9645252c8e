#include "bench/cloud.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "bench/measure.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

e2b_server::ServerProcess start_server(const fs::path& build, const std::vector<std::string>& arguments) {
  setenv("OSIRIS_BUILD_DIR", build.c_str(), 1);
  auto server = e2b_server::ServerProcess::start(arguments);
  if (!server) die(server.error().message);
  return *std::move(server);
}

// Calls `visit` with each event of this name, until it says false.
template <class Visit>
void visit_events(const fs::path& session, std::string_view name, Visit visit) {
  std::ifstream file(session / "events.jsonl");
  const std::string mark = "\"event\":\"" + std::string(name) + "\"";
  for (std::string line; std::getline(file, line);)
    if (line.find(mark) != std::string::npos && !visit(line)) return;
}

Json find_event(const fs::path& session, std::string_view name, bool last) {
  Json found;
  visit_events(session, name, [&](const std::string& line) {
    if (auto event = parse_json(line)) found = *std::move(event);
    return last;
  });
  if (found.is_null()) die("no event " + std::string(name) + " in " + session.string());
  return found;
}

}  // namespace

Cloud::Cloud(const fs::path& build, const fs::path& project, const std::vector<std::string>& server_arguments)
    : server_(start_server(build, server_arguments)), build_(build), project_(project) {
  write("osiris.yaml", "version: \"2.0\"\n");
}

void Cloud::write(const fs::path& file, std::string_view text) const {
  fs::create_directories((project_ / file).parent_path());
  std::ofstream(project_ / file) << text;
}

Cloud::Ended Cloud::run(const std::string& adapter, const std::string& file,
                        const std::vector<std::string>& more) const {
  std::vector<std::string> arguments = {build_ / "bin/osiris", "--json", "run",         file,
                                        "--adapter",           adapter,  "--allow-mock"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Run measured = bench::run(arguments, project_,
                                  {{"E2B_API_KEY", server_.api_key()},
                                   {"OSIRIS_E2B_API_URL", server_.url()},
                                   {"OSIRIS_E2B_SANDBOX_URL", server_.url()},
                                   {"XDG_STATE_HOME", project_ / ".state"}});
  auto report = parse_json(measured.output);
  if (!report) die("osiris run --json printed no document: " + measured.output.substr(0, 400));
  Ended ended{measured.wall_ms, measured.peak_mib, (*report)["session_dir"].as_string(), *std::move(report)};
  return ended;
}

uint64_t Cloud::bytes_sent() const {
  uint64_t bytes = 0;
  const Json all = requests();
  for (const Json& request : all.items()) bytes += request["request_bytes"].as_uint();
  return bytes;
}

int64_t Cloud::requests_before(int64_t unix_us_at) const {
  int64_t count = 0;
  const Json all = requests();
  // A record's time is that of its end.
  for (const Json& request : all.items())
    count += unix_us(request["time"].as_string()) - request["duration_us"].as_int() < unix_us_at;
  return count;
}

Json first_event(const fs::path& session, std::string_view name) { return find_event(session, name, false); }

Json last_event(const fs::path& session, std::string_view name) { return find_event(session, name, true); }

uint64_t count_events(const fs::path& session, std::string_view name) {
  uint64_t count = 0;
  visit_events(session, name, [&](const std::string&) { return ++count > 0; });
  return count;
}

int64_t unix_us(std::string_view iso8601) {
  const std::string text(iso8601);
  tm parts{};
  int us = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%6d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                  &parts.tm_min, &parts.tm_sec, &us) != 7)
    die("'" + text + "' is no time");
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return int64_t{timegm(&parts)} * 1'000'000 + us;
}

}  // namespace osiris::bench
