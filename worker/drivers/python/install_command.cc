#include "worker/drivers/python/install_command.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "protocol/base/file.h"
#include "protocol/base/own_environment.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/program/running.h"
#include "worker/drivers/python/requirements.h"
#include "worker/drivers/python/virtual_environment.h"

namespace osiris::worker::python {
namespace {

volatile sig_atomic_t told_to_stop = 0;

int usage(const std::string& what) {
  std::fprintf(stderr, "osiris-worker: %s\nUsage: osiris-worker --install-requirements FILE --cache-dir DIRECTORY\n",
               what.c_str());
  return 2;
}

Json environment_document() {
  Json environment = Json::object();
  for (const auto& [name, value] : own_environment())
    if (is_valid_utf8(name) && is_valid_utf8(value)) environment.set(name, value);
  return environment;
}

Status install(const std::string& file, const std::string& cache_dir) {
  OSIRIS_ASSIGN(const std::string text, read_file(file, 1 << 20));
  OSIRIS_ASSIGN(const Json wanted, parse_json(text));
  ProcessEnvironment around;
  around.supervisor = "/proc/self/exe";
  around.base = program::base_environment();
  around.pip = pip_environment(environment_document());
  around.keeps_downloads = false;
  around.is_cancelled = [] { return told_to_stop != 0; };
  around.log = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  around.event = [](std::string_view name, Json fields) {
    Json event = Json::object({{"event", name}});
    for (const auto& [key, value] : fields.members()) event.set(key, value);
    std::printf("%s%s\n", std::string(kEventPrefix).c_str(), event.dump().c_str());
    std::fflush(stdout);
  };
  VirtualEnvironmentRequest request;
  OSIRIS_ASSIGN(request.interpreter, find_interpreter(wanted["python"].as_string_or("python3"), around));
  OSIRIS_ASSIGN(request.requirements, read_requirements(wanted["requirements"]));
  request.cache_dir = std::filesystem::absolute(cache_dir);
  request.may_install = true;
  const auto made = ensure_virtual_environment(request, around);
  return made ? Status() : Status(made.error());
}

}  // namespace

int install_requirements(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3 || arguments[1] != "--cache-dir" || arguments[2].empty()) return usage("wrong arguments");
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, [](int) { told_to_stop = 1; });
  const Status status = install(arguments[0], arguments[2]);
  if (status) return 0;
  std::fprintf(stderr, "osiris-worker: %s\n%s%s", status.error().message.c_str(), status.error().hint.c_str(),
               status.error().hint.empty() ? "" : "\n");
  return 1;
}

}  // namespace osiris::worker::python
