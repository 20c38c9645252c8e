#include "tests/postgres/postgres_server.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "protocol/base/file.h"
#include "tests/mysql/certificates.h"

namespace osiris::test {
namespace {

namespace fs = std::filesystem;

constexpr char kPrograms[] = "/usr/lib/postgresql/15/bin";

Error failed(const std::string& what) { return Error(Code::kUnavailable, "PostgreSQL test server: " + what); }

SpawnOptions command(std::vector<std::string> arguments) {
  SpawnOptions options;
  // The server refuses to be root.
  if (geteuid() == 0)
    arguments.insert(arguments.begin(), {"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                                         "--pdeathsig=KILL", "--"});
  options.arguments = std::move(arguments);
  options.environment = {
      {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/nonexistent"}, {"TZ", "America/St_Johns"}};
  return options;
}

Status own(const fs::path& path) {
  if (geteuid() != 0) return {};
  const passwd* user = getpwnam("nobody");
  if (!user || lchown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    return errno_error(errno, "cannot give away", path);
  if (!fs::is_directory(path)) return {};
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (lchown(entry.path().c_str(), user->pw_uid, user->pw_gid) != 0)
      return errno_error(errno, "cannot give away", entry.path());
  return {};
}

Result<fs::path> new_directory() {
  std::string name = (fs::temp_directory_path() / "osiris-postgres-XXXXXX").string();
  if (!mkdtemp(name.data())) return errno_error(errno, "cannot make", name);
  OSIRIS_TRY(own(name));
  return fs::path(name);
}

// One per build directory, or per machine without one. Whoever comes first makes it, the others wait.
Result<fs::path> template_directory() {
  const char* build = std::getenv("OSIRIS_BUILD_DIR");
  const fs::path home =
      build ? fs::path(build) : fs::temp_directory_path() / ("osiris-postgres-" + std::to_string(geteuid()));
  OSIRIS_TRY(make_directories(home));
  const fs::path ready = home / "postgres-template";
  const int lock = open((home / "postgres-template.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (lock < 0) return errno_error(errno, "cannot open", home / "postgres-template.lock");
  const FileDescriptor closer(lock);
  flock(lock, LOCK_EX);
  if (fs::exists(ready)) return ready;
  OSIRIS_ASSIGN(const fs::path work, new_directory());
  SpawnOptions initdb =
      command({std::string(kPrograms) + "/initdb", "-D", (work / "data").string(), "-U", "postgres", "-E", "UTF8",
               "--no-locale", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions"});
  initdb.working_directory = work;
  OSIRIS_ASSIGN(const CommandOutput output, run_command(initdb, 120000));
  if (!output.exit.success()) return failed("initdb " + output.exit.describe() + ": " + output.standard_error);
  std::error_code error;
  const fs::path copy = home / "postgres-template.new";
  fs::remove_all(copy, error);
  fs::copy(work / "data", copy, fs::copy_options::recursive, error);
  if (!error) fs::rename(copy, ready, error);
  std::error_code ignored;
  fs::remove_all(work, ignored);
  if (error) return failed("cannot keep the template: " + error.message());
  return ready;
}

uint16_t free_port() {
  const FileDescriptor socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket_fd.get(), generic, size) != 0 || getsockname(socket_fd.get(), generic, &size) != 0) return 0;
  return ntohs(address.sin_port);
}

std::string end_of(const fs::path& log) {
  const auto text = read_file(log);
  if (!text.ok()) return text.error().message;
  return text->size() > 2000 ? text->substr(text->size() - 2000) : *text;
}

class Client {
 public:
  Client(const fs::path& directory, uint16_t port, const std::string& database)
      : connection_(PQsetdbLogin(directory.c_str(), std::to_string(port).c_str(), nullptr, nullptr, database.c_str(),
                                 "postgres", nullptr)) {
    PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
  }
  ~Client() { PQfinish(connection_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  bool is_open() const { return PQstatus(connection_) == CONNECTION_OK; }

  Result<std::string> query(const std::string& sql) {
    if (!is_open()) return failed(PQerrorMessage(connection_));
    PGresult* result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    std::string text;
    for (int row = 0; row < PQntuples(result); ++row) {
      for (int i = 0; i < PQnfields(result); ++i) {
        text += i > 0 ? "|" : "";
        text += PQgetisnull(result, row, i) ? "NULL" : PQgetvalue(result, row, i);
      }
      text += "\n";
    }
    PQclear(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return failed(PQerrorMessage(connection_));
    return text;
  }

 private:
  PGconn* connection_;
};

}  // namespace

Result<std::unique_ptr<PostgresServer>> PostgresServer::start(PostgresOptions options) {
  if (access((std::string(kPrograms) + "/postgres").c_str(), X_OK) != 0)
    return Error(Code::kNotFound, "PostgreSQL 15 is not installed", "apt-get install postgresql-15");
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  server->options_ = std::move(options);
  OSIRIS_ASSIGN(server->directory_, new_directory());
  OSIRIS_TRY(server->install(server->options_));
  // Another process may take the free port first.
  Status status;
  for (int attempt = 0; attempt < 5; ++attempt) {
    server->port_ = free_port();
    OSIRIS_TRY(server->launch());
    status = server->wait_until_ready();
    if (status.ok() || status.error().message.find("Address already in use") == std::string::npos) break;
  }
  if (!status.ok()) return status.error();
  return server;
}

Status PostgresServer::install(const PostgresOptions& options) {
  OSIRIS_ASSIGN(const fs::path source, template_directory());
  std::error_code error;
  fs::copy(source, directory_ / "data", fs::copy_options::recursive, error);
  if (error) return failed("cannot copy " + source.string() + ": " + error.message());
  if (options.disk_may_fill) OSIRIS_TRY(disk().install());
  if (!options.hba.empty()) OSIRIS_TRY(write_file_atomically(directory_ / "data/pg_hba.conf", options.hba));
  if (options.tls) {
    OSIRIS_TRY(make_certificates(directory_, options.tls_name, options.tls_is_expired));
    fs::permissions(directory_ / "server.key", fs::perms::owner_read | fs::perms::owner_write);
  }
  fs::permissions(directory_ / "data", fs::perms::owner_all);
  return own(directory_);
}

Status PostgresServer::launch() {
  const std::string here = directory_.string();
  std::vector<std::string> settings = {"listen_addresses=127.0.0.1",
                                       "port=" + std::to_string(port_),
                                       "unix_socket_directories=" + here,
                                       "fsync=off",
                                       "synchronous_commit=off",
                                       "full_page_writes=off",
                                       "shared_buffers=32MB",
                                       "logging_collector=off",
                                       "max_connections=60",
                                       "autovacuum=off",
                                       "lc_messages=C"};
  if (options_.tls) {
    settings.insert(settings.end(), {"ssl=on", "ssl_cert_file=" + here + "/server.pem",
                                     "ssl_key_file=" + here + "/server.key", "ssl_ca_file=" + here + "/ca.pem"});
  }
  settings.insert(settings.end(), options_.settings.begin(), options_.settings.end());
  std::string line = "exec " + std::string(kPrograms) + "/postgres -D '" + here + "/data'";
  for (const std::string& setting : settings) line += " -c '" + setting + "'";
  SpawnOptions spawn = command({"/bin/sh", "-c", line + " >>'" + here + "/log' 2>&1"});
  if (options_.disk_may_fill)
    for (auto& variable : disk().environment()) spawn.environment.push_back(std::move(variable));
  spawn.working_directory = directory_;
  spawn.standard_input = spawn.standard_output = spawn.standard_error = SpawnOptions::Stream::kNull;
  OSIRIS_ASSIGN(Subprocess process, Subprocess::spawn(spawn));
  process_ = std::make_unique<Subprocess>(std::move(process));
  return {};
}

Status PostgresServer::wait_until_ready() {
  for (int waited_ms = 0; waited_ms < 60000; waited_ms += 20) {
    if (process_->wait(20)) return failed("it ended at once: " + end_of(directory_ / "log"));
    if (Client(directory_, port_, "postgres").is_open()) return {};
  }
  return failed("it was not ready within a minute: " + end_of(directory_ / "log"));
}

void PostgresServer::end(int signal_number) {
  if (!process_) return;
  ::kill(process_->pid(), signal_number);
  process_->wait(10000);
  process_.reset();
}

PostgresServer::~PostgresServer() {
  end(SIGQUIT);  // at once, but with its shared memory given back
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Status PostgresServer::execute(const std::string& sql, const std::string& database) {
  const auto result = query(sql, database);
  return result.ok() ? Status() : Status(result.error());
}

Result<std::string> PostgresServer::query(const std::string& sql, const std::string& database) {
  return Client(directory_, port_, database).query(sql);
}

void PostgresServer::crash() { end(SIGQUIT); }

Status PostgresServer::start_again() {
  OSIRIS_TRY(launch());
  return wait_until_ready();
}

}  // namespace osiris::test
