#include "tests/mysql/mariadb_server.h"

#include <fcntl.h>
#include <mysql.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "protocol/base/file.h"
#include "tests/mysql/certificates.h"

namespace osiris::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemTables[] = {"/usr/share/mysql/mysql_system_tables.sql",
                                         "/usr/share/mysql/mysql_system_tables_data.sql"};

Error failed(const std::string& what) { return Error(Code::kUnavailable, "MariaDB test server: " + what); }

SpawnOptions command(std::vector<std::string> arguments) {
  SpawnOptions options;
  options.arguments = std::move(arguments);
  options.environment = {
      {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/nonexistent"}, {"TZ", "America/St_Johns"}};
  return options;
}

// mariadbd refuses to run as root unless told to.
void add_user(std::vector<std::string>& arguments) {
  if (geteuid() == 0) arguments.push_back("--user=root");
}

Result<fs::path> new_directory() {
  std::string name = (fs::temp_directory_path() / "osiris-mariadb-XXXXXX").string();
  if (!mkdtemp(name.data())) return errno_error(errno, "cannot make", name);
  return fs::path(name);
}

Status run(std::vector<std::string> arguments, const fs::path& directory) {
  const std::string program = arguments[0];
  SpawnOptions options = command(std::move(arguments));
  options.working_directory = directory;
  OSIRIS_ASSIGN(const CommandOutput output, run_command(options, 60000));
  if (!output.exit.success()) return failed(program + " " + output.exit.describe() + ": " + output.standard_error);
  return {};
}

// Fills `data` by the server's own scripts, as mariadb-install-db does; that script needs programs of other packages.
Status bootstrap(const fs::path& data, const fs::path& log) {
  std::string sql = "create database if not exists mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n";
  for (const char* file : kSystemTables) {
    OSIRIS_ASSIGN(const std::string text, read_file(file));
    sql += text;
  }
  const fs::path script = log.parent_path() / "bootstrap.sql";
  OSIRIS_TRY(write_file_atomically(script, sql));
  std::string line = mariadbd_program().string() +
                     " --no-defaults --bootstrap --silent-startup --log-warnings=0 --datadir='" + data.string() +
                     "' --innodb-log-file-size=8M --innodb-autoextend-increment=1 --innodb-fast-shutdown=1 "
                     "--innodb-flush-method=nosync" +
                     (geteuid() == 0 ? " --user=root" : "") + " <'" + script.string() + "' >'" + log.string() +
                     "' 2>&1";
  const Status status = run({"/bin/sh", "-c", line}, data);
  if (status.ok()) return {};
  const auto text = read_file(log);
  return status.error().within(text.ok() ? *text : "no log");
}

// One per build directory, or per machine without one. Whoever comes first makes it, the others wait.
Result<fs::path> template_directory() {
  const char* build = std::getenv("OSIRIS_BUILD_DIR");
  const fs::path home =
      build ? fs::path(build) : fs::temp_directory_path() / ("osiris-mariadb-" + std::to_string(geteuid()));
  OSIRIS_TRY(make_directories(home));
  const fs::path ready = home / "mariadb-template";
  const int lock = open((home / "mariadb-template.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (lock < 0) return errno_error(errno, "cannot open", home / "mariadb-template.lock");
  const FileDescriptor closer(lock);
  flock(lock, LOCK_EX);
  if (fs::exists(ready)) return ready;
  const fs::path work = home / "mariadb-template.new";
  std::error_code ignored;
  fs::remove_all(work, ignored);
  OSIRIS_TRY(make_directories(work / "data"));
  OSIRIS_TRY(bootstrap(work / "data", work / "log"));
  fs::rename(work, ready, ignored);
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

struct Client {
  MYSQL* mysql = mysql_init(nullptr);
  ~Client() { mysql_close(mysql); }
};

Status connect_as_root(Client& client, const fs::path& socket) {
  const unsigned file = MYSQL_PROTOCOL_SOCKET;
  mysql_optionsv(client.mysql, MYSQL_OPT_PROTOCOL, &file);
  mysql_optionsv(client.mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (!mysql_real_connect(client.mysql, nullptr, "root", "", nullptr, 0, socket.c_str(), CLIENT_MULTI_STATEMENTS)) {
    return failed(std::string("cannot log in: ") + mysql_error(client.mysql));
  }
  return {};
}

}  // namespace

fs::path mariadbd_program() {
  for (const char* program : {"/usr/sbin/mariadbd", "/usr/sbin/mysqld"}) {
    if (access(program, X_OK) == 0) return program;
  }
  return {};
}

Result<std::unique_ptr<MariaDbServer>> MariaDbServer::start(MariaDbOptions options) {
  if (mariadbd_program().empty())
    return Error(Code::kNotFound, "mariadbd is not installed", "apt-get install mariadb-server-core");
  std::unique_ptr<MariaDbServer> server(new MariaDbServer);
  OSIRIS_ASSIGN(server->directory_, new_directory());
  OSIRIS_TRY(server->install());
  if (options.disk_may_fill) OSIRIS_TRY(server->disk().install());
  if (options.tls) OSIRIS_TRY(make_certificates(server->directory_, options.tls_name, options.tls_is_expired));
  // Another process may take the free port first.
  Status status;
  for (int attempt = 0; attempt < 5; ++attempt) {
    server->port_ = options.port ? options.port : free_port();
    OSIRIS_TRY(server->launch(options));
    status = server->wait_until_ready();
    if (status.ok() || options.port || status.error().message.find("Bind on TCP/IP port") == std::string::npos) break;
  }
  if (!status.ok()) return status.error();
  return server;
}

Status MariaDbServer::install() {
  OSIRIS_ASSIGN(const fs::path source, template_directory());
  std::error_code error;
  fs::copy(source / "data", directory_ / "data", fs::copy_options::recursive, error);
  if (error) return failed("cannot copy " + source.string() + ": " + error.message());
  return {};
}

Status MariaDbServer::launch(const MariaDbOptions& options) {
  const std::string here = directory_.string();
  std::vector<std::string> arguments = {mariadbd_program().string(),
                                        "--no-defaults",
                                        "--datadir=" + here + "/data",
                                        "--socket=" + here + "/socket",
                                        "--pid-file=" + here + "/pid",
                                        "--log-error=" + here + "/log.err",
                                        "--tmpdir=" + here,
                                        "--bind-address=127.0.0.1",
                                        "--port=" + std::to_string(port_),
                                        "--skip-name-resolve",
                                        "--character-set-server=utf8mb4",
                                        "--performance-schema=OFF",
                                        "--innodb-buffer-pool-size=64M",
                                        "--innodb-log-file-size=8M",
                                        "--innodb-autoextend-increment=1",
                                        "--innodb-flush-method=nosync",
                                        "--innodb-flush-log-at-trx-commit=0",
                                        "--innodb-fast-shutdown=2"};
  add_user(arguments);
  if (options.tls) {
    for (const char* argument : {"--ssl-ca=ca.pem", "--ssl-cert=server.pem", "--ssl-key=server.key"}) {
      const std::string text = argument;
      const size_t at = text.find('=') + 1;
      arguments.push_back(text.substr(0, at) + here + "/" + text.substr(at));
    }
  }
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  SpawnOptions spawn = command(std::move(arguments));
  if (options.disk_may_fill)
    for (auto& variable : disk().environment()) spawn.environment.push_back(std::move(variable));
  spawn.working_directory = directory_;
  spawn.standard_input = spawn.standard_output = spawn.standard_error = SpawnOptions::Stream::kNull;
  OSIRIS_ASSIGN(Subprocess process, Subprocess::spawn(spawn));
  process_ = std::make_unique<Subprocess>(std::move(process));
  return {};
}

Status MariaDbServer::wait_until_ready() {
  for (int waited_ms = 0; waited_ms < 60000; waited_ms += 20) {
    if (process_->wait(20)) return failed("it ended at once: " + end_of(directory_ / "log.err"));
    if (!fs::exists(directory_ / "socket")) continue;
    Client client;
    if (connect_as_root(client, directory_ / "socket").ok()) return {};
  }
  return failed("it was not ready within a minute: " + end_of(directory_ / "log.err"));
}

MariaDbServer::~MariaDbServer() {
  process_.reset();  // kills it: nothing of what it holds is wanted any more
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Status MariaDbServer::execute(const std::string& sql) {
  Client client;
  OSIRIS_TRY(connect_as_root(client, directory_ / "socket"));
  int outcome = mysql_real_query(client.mysql, sql.data(), sql.size());
  while (outcome == 0) {
    if (MYSQL_RES* rows = mysql_store_result(client.mysql)) mysql_free_result(rows);
    outcome = mysql_next_result(client.mysql);
  }
  if (outcome > 0) return failed(std::string(mysql_error(client.mysql)));
  return {};
}

Result<std::string> MariaDbServer::query(const std::string& sql) {
  Client client;
  OSIRIS_TRY(connect_as_root(client, directory_ / "socket"));
  if (mysql_real_query(client.mysql, sql.data(), sql.size()) != 0) return failed(mysql_error(client.mysql));
  MYSQL_RES* rows = mysql_store_result(client.mysql);
  if (!rows) return failed("no rows: " + sql);
  std::string text;
  while (const MYSQL_ROW row = mysql_fetch_row(rows)) {
    const unsigned long* sizes = mysql_fetch_lengths(rows);
    for (unsigned i = 0; i < mysql_num_fields(rows); ++i) {
      text += (i > 0 ? "|" : "");
      text += row[i] ? std::string(row[i], sizes[i]) : "NULL";
    }
    text += "\n";
  }
  mysql_free_result(rows);
  return text;
}

void MariaDbServer::kill() {
  process_->signal_group(SIGKILL);
  process_->wait(-1);
}

void MariaDbServer::freeze() { process_->signal_group(SIGSTOP); }
void MariaDbServer::thaw() { process_->signal_group(SIGCONT); }

}  // namespace osiris::test
