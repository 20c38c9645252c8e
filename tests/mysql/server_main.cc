// osiris-mariadb [--tls] [--port N] [--bench-rows N] [--sql FILE]... -- PROGRAM [ARGUMENT]...
//
// Starts a MariaDB server of its own, fills it from the SQL files, runs PROGRAM with MARIADB_HOST, MARIADB_PORT and
// (with --tls) MARIADB_CA in its environment, stops the server and exits as PROGRAM did. For demos and benchmarks:
//
//   osiris-mariadb --sql examples/mysql/shop.sql -- osiris run pipeline.yaml
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "protocol/base/file.h"
#include "tests/mysql/bench_table.h"
#include "tests/mysql/mariadb_server.h"

namespace {

int complain(const osiris::Error& error) {
  std::fprintf(stderr, "osiris-mariadb: %s%s%s\n", error.message.c_str(), error.hint.empty() ? "" : "; ",
               error.hint.c_str());
  return 3;
}

int run_program(char** arguments) {
  const pid_t child = fork();
  if (child == 0) {
    execvp(arguments[0], arguments);
    std::perror(arguments[0]);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 3;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int argc, char** argv) {
  osiris::test::MariaDbOptions options;
  std::vector<std::string> scripts;
  uint64_t bench_rows = 0;
  int at = 1;
  for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) {
    const std::string option = argv[at];
    if (option == "--tls") {
      options.tls = true;
    } else if (at + 1 < argc && option == "--port") {
      options.port = static_cast<uint16_t>(std::atoi(argv[++at]));
    } else if (at + 1 < argc && option == "--bench-rows") {
      bench_rows = std::strtoull(argv[++at], nullptr, 10);
    } else if (at + 1 < argc && option == "--sql") {
      scripts.push_back(argv[++at]);
    } else {
      std::fprintf(stderr, "osiris-mariadb: unknown option %s\n", option.c_str());
      return 2;
    }
  }
  if (at + 1 >= argc) {
    std::fprintf(
        stderr, "usage: osiris-mariadb [--tls] [--port N] [--bench-rows N] [--sql FILE]... -- PROGRAM [ARGUMENT]...\n");
    return 2;
  }
  auto server = osiris::test::MariaDbServer::start(options);
  if (!server.ok()) return complain(server.error());
  for (const std::string& script : scripts) {
    auto sql = osiris::read_file(script);
    if (!sql.ok()) return complain(sql.error());
    if (auto status = (*server)->execute(*sql); !status.ok()) return complain(status.error().within(script));
  }
  if (bench_rows > 0) {
    if (auto status = make_bench_table(**server, bench_rows); !status.ok()) return complain(status.error());
  }
  setenv("MARIADB_HOST", "127.0.0.1", 1);
  setenv("MARIADB_PORT", std::to_string((*server)->port()).c_str(), 1);
  if (options.tls) setenv("MARIADB_CA", (*server)->ca_file().c_str(), 1);
  return run_program(argv + at + 1);
}
