#include "tests/ssh/sshd.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/support/eventually.h"

namespace osiris::ssh_tests {
namespace {

namespace fs = std::filesystem;

void run(std::vector<std::string> arguments, const std::string& agent = {}) {
  SpawnOptions options;
  options.arguments = std::move(arguments);
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}, {"SSH_AUTH_SOCK", agent}};
  const auto output = run_command(options, 30'000);
  EXPECT_TRUE(output.ok() && output->exit.success())
      << options.arguments[0] << ": " << (output.ok() ? output->standard_error : output.error().message);
}

void write(const fs::path& file, const std::string& text) {
  ASSERT_TRUE(write_file_atomically(file, text).ok());
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

// One that is free now.
int free_port() {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(probe.get(), any, size), 0);
  EXPECT_EQ(::getsockname(probe.get(), any, &size), 0);
  return ntohs(address.sin_port);
}

bool listens(int port) {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return ::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

std::vector<pid_t> processes() {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc"))
    if (const pid_t pid = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10)); pid > 0)
      pids.push_back(pid);
  return pids;
}

pid_t parent_of(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const size_t end = stat ? stat->rfind(')') : std::string::npos;
  return end == std::string::npos ? -1 : static_cast<pid_t>(std::strtol(stat->c_str() + end + 4, nullptr, 10));
}

}  // namespace

Sshd::Sshd(const fs::path& directory)
    : directory_(directory), identity_((directory / "login").string() + "\n IdentitiesOnly yes") {
  fs::create_directories(far_directory());
  fs::create_directories(directory_ / "home");
  if (::geteuid() == 0) fs::create_directories("/run/sshd");  // where Debian's sshd keeps its unprivileged half
  for (const char* key : {"host_key", "other_host_key", "login"}) make_key(key);
  authorize("");
  start();
}

Sshd::~Sshd() {
  cut_connections();
  process_.reset();
}

void Sshd::make_key(const std::string& name) const {
  run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", (directory_ / name).string()});
}

void Sshd::start() {
  port_ = free_port();
  const std::string at = directory_.string() + "/";
  write(directory_ / "server", "Port " + std::to_string(port_) + "\nListenAddress 127.0.0.1\nHostKey " + at +
                                   "host_key\nAuthorizedKeysFile " + at +
                                   "authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
                                   "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 200\n"
                                   "MaxSessions 200\nPrintMotd no\nLogLevel VERBOSE\nPermitUserEnvironment yes\n"
                                   "SetEnv HOME=" +
                                   at + "home\n");
  reach_by(port_);
  SpawnOptions options;
  options.arguments = {"/usr/sbin/sshd", "-D", "-E", at + "log", "-f", at + "server"};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  auto process = Subprocess::spawn(options);
  ASSERT_TRUE(process.ok()) << process.error().message;
  process_.emplace(*std::move(process));
  ASSERT_TRUE(test::eventually([&] { return listens(port_); })) << read_file(directory_ / "log").operator*();
}

void Sshd::know_host_key(const std::string& name) const {
  const auto key = read_file(directory_ / (name + ".pub"));
  write(directory_ / "known_hosts", "[127.0.0.1]:" + std::to_string(reached_by_) + " " + key.operator*());
}

void Sshd::reach_by(int port, const std::string& more) {
  reached_by_ = port;
  know_host_key("host_key");
  const std::string at = directory_.string() + "/";
  const passwd* const user = ::getpwuid(::getuid());
  write(client_config(), "Host far\n HostName 127.0.0.1\n Port " + std::to_string(port) + "\n User " +
                             std::string(user ? user->pw_name : "root") + "\n IdentityFile " + identity_ +
                             "\n UserKnownHostsFile " + at + "known_hosts\n GlobalKnownHostsFile none\n" + more);
}

void Sshd::show_other_host_key() { know_host_key("other_host_key"); }

void Sshd::forget_host_key() { write(directory_ / "known_hosts", ""); }

void Sshd::leave_the_key_to_an_agent() {
  identity_ = "none";
  reach_by(reached_by_);
}

void Sshd::forget_logins() { write(directory_ / "authorized_keys", ""); }

void Sshd::authorize(const std::string& options) const {
  write(directory_ / "authorized_keys", options + read_file(directory_ / "login.pub").operator*());
}

void Sshd::log_in_by(const fs::path& program) const { authorize("command=\"" + program.string() + "\" "); }

// Each is found first as a script that writes its name down.
void Sshd::watch_programs() const {
  const fs::path watched = directory_ / "watched";
  fs::create_directories(watched);
  for (const char* name : {"cat",   "chmod", "cp",   "cut",  "dd",       "find", "grep",  "head", "kill",
                           "ls",    "mkdir", "mv",   "pwd",  "readlink", "rm",   "rmdir", "sed",  "sha256sum",
                           "sleep", "stat",  "tail", "test", "touch",    "tr",   "uname", "wc"}) {
    const fs::path program = watched / name;
    write(program, "#!/bin/sh\necho " + std::string(name) + " >> " + (directory_ / "programs").string() +
                       "\nexec /usr/bin/" + name + " \"$@\"\n");
    fs::permissions(program, fs::perms::owner_all);
  }
  authorize("environment=\"PATH=" + watched.string() + ":/usr/bin:/bin\" ");
}

std::vector<std::string> Sshd::watched_programs() const {
  const auto text = read_file(directory_ / "programs");
  std::vector<std::string> names = split(text ? std::string_view(*text) : std::string_view(), '\n');
  std::erase(names, "");
  return names;
}

void Sshd::cut_connections() const {
  for (const pid_t pid : processes()) {
    if (parent_of(pid) != process_->pid()) continue;
    for (const pid_t below : processes())  // the unprivileged half, where there is one
      if (parent_of(below) == pid) {
        const auto name = read_file("/proc/" + std::to_string(below) + "/comm");
        if (name && name->starts_with("sshd")) ::kill(below, SIGKILL);
      }
    ::kill(pid, SIGKILL);
  }
}

size_t Sshd::sessions() const {
  const std::string log = read_file(directory_ / "log").operator*();
  size_t count = 0;
  for (size_t at = 0; (at = log.find("Starting session: command", at)) != std::string::npos; ++at) ++count;
  return count;
}

std::vector<pid_t> Sshd::workers() const {
  std::vector<pid_t> found;
  for (const pid_t pid : processes()) {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
    if (!error && program.string().starts_with(far_directory().string())) found.push_back(pid);
  }
  return found;
}

std::vector<std::string> Sshd::names_in(const fs::path& directory) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

StandingConnection::StandingConnection(Sshd& sshd, int port) : directory_(*TemporaryDirectory::make()) {
  const fs::path socket = directory_.path() / "c";
  sshd.reach_by(port, " ControlPath " + socket.string() + "\n ControlMaster no\n");
  SpawnOptions options;
  options.arguments = {"/usr/bin/ssh", "-F", sshd.client_config().string(), "-o", "ControlMaster=yes", "-N", "far"};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  options.standard_output = options.standard_error = SpawnOptions::Stream::kNull;
  auto process = Subprocess::spawn(options);
  EXPECT_TRUE(process.ok()) << process.error().message;
  process_.emplace(*std::move(process));
  EXPECT_TRUE(test::eventually([&] { return fs::exists(socket); }));
}

Agent::Agent(const Sshd& sshd) : directory_(*TemporaryDirectory::make()) {
  SpawnOptions options;
  options.arguments = {"/usr/bin/ssh-agent", "-D", "-a", socket().string()};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  options.standard_output = options.standard_error = SpawnOptions::Stream::kNull;
  auto process = Subprocess::spawn(options);
  EXPECT_TRUE(process.ok()) << process.error().message;
  process_.emplace(*std::move(process));
  EXPECT_TRUE(test::eventually([&] { return fs::exists(socket()); }));
  run({"/usr/bin/ssh-add", "-q", sshd.login_key().string()}, socket().string());
}

fs::path adapter_directory() { return e2e::build_dir() / "tests/ssh/build"; }

std::vector<std::string> with_ssh(const Sshd& sshd, std::vector<std::string> arguments) {
  for (const std::string& argument :
       {std::string("--adapter"), std::string("ssh"), std::string("--adapter-dir"), adapter_directory().string(),
        std::string("--ssh-host"), std::string("far"), std::string("--ssh-config"), sshd.client_config().string(),
        std::string("--ssh-directory"), sshd.far_directory().string()})
    arguments.push_back(argument);
  return arguments;
}

}  // namespace osiris::ssh_tests
