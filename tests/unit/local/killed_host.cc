// A host that is made to be killed: runs one step of the mock driver that hangs, through local.so, and prints every
// event as a line. Its argument is the step's config.
#include <cstdio>
#include <string>

#include "tests/unit/local/loaded_adapter.h"

int main(int, char** argv) {
  using namespace osiris;
  test::RecordingHost host;
  host.on_event = [](const test::RecordingHost::Event& event) {
    Json line = event.data.is_object() ? event.data : Json::object();
    line.set("event", event.name);
    std::puts(line.dump().c_str());
    std::fflush(stdout);
  };
  test::TestRun run;
  std::puts(Json::object({{"event", "directory"}, {"path", run.directory.string()}}).dump().c_str());
  run.add_step("a", "mock", "extract", *parse_json(argv[1]));
  test::LoadedAdapter adapter(host, test::build_path("lib/osiris/adapters/local.so"));
  return adapter.run(run);
}
