// What separates sandboxes from each other and from the machine.
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class IsolationTest : public ServerTest {
 protected:
  void start(const std::vector<std::string>& arguments = {}) {
    start_server(arguments);
    if (server_->has_namespaces()) sandbox_ = create();
  }
  SandboxHandle sandbox_;
};

TEST_F(IsolationTest, ASandboxSeesOnlyItsOwnProcessesAndFiles) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const SandboxHandle other = create();
  EventStream sleeper(other, "process.Process/Start", shell("echo secret > /tmp/theirs; exec sleep 60"));
  ASSERT_GT(sleeper.pid(), 0);
  EXPECT_EQ(run(sandbox_, "ls -A /tmp /home/user; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 6[0]'").out,
            "/home/user:\n\n/tmp:\n0\n");
  EXPECT_NE(run(sandbox_, "ls " + server_->data().string()).exit_code(), 0);
}

TEST_F(IsolationTest, UserIsUnprivilegedAndCannotWriteTheSystem) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  EXPECT_EQ(run(sandbox_, "id -un; id -u; pwd; hostname").out, "user\n1000\n/home/user\ne2b.local\n");
  EXPECT_NE(run(sandbox_, "touch /usr/x").exit_code(), 0);
  EXPECT_NE(run(sandbox_, "mount -t tmpfs x /mnt").exit_code(), 0);
  EXPECT_NE(run(sandbox_, "kill -9 1").exit_code(), 0);
  EXPECT_EQ(run(sandbox_, "echo alive").out, "alive\n");
}

TEST_F(IsolationTest, RootInsideIsNobodyOutside) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  OSIRIS_NEEDS(server_->ready_line()["users"].as_string() == "user,root",
               "root, without which a sandbox has one user only");
  const Pairs as_root{{"authorization", "Basic cm9vdDo="}};
  EXPECT_EQ(run(sandbox_, "id -un; touch /opt/x /usr/local/bin/y && echo done", as_root).out, "root\ndone\n");
  EXPECT_NE(run(sandbox_, "touch /usr/bin/x", as_root).exit_code(), 0);
  EXPECT_NE(run(sandbox_, "mknod /tmp/sda b 8 0", as_root).exit_code(), 0);
  EXPECT_NE(run(sandbox_, "mount -o remount,rw /usr", as_root).exit_code(), 0);
  EXPECT_EQ(run(sandbox_, "cat /usr/local/bin/y && ls -l /usr/local/bin/y | cut -c1-10").out, "-rw-r--r--\n");
  EXPECT_EQ(run(create(), "ls -A /opt").out, "");
}

TEST_F(IsolationTest, NothingOfTheServersEnvironmentGetsIn) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const Pairs as_root{{"authorization", "Basic cm9vdDo="}};
  EXPECT_EQ(run(sandbox_, "tr '\\0' '\\n' < /proc/1/environ | grep -vc SAN_OPTIONS", as_root).out, "0\n");
}

TEST_F(IsolationTest, WithoutInternetAccessThereIsNoNetworkAtAll) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const SandboxHandle closed = create(*parse_json(R"({"templateID":"base","allow_internet_access":false})"));
  const std::string port = server_->url().substr(server_->url().rfind(':') + 1);
  const std::string dial = "exec 3<>/dev/tcp/127.0.0.1/" + port;
  EXPECT_EQ(run(sandbox_, dial).exit_code(), 0);
  EXPECT_NE(run(closed, dial).exit_code(), 0);
  EXPECT_EQ(run(closed, "cat /proc/net/dev | grep -c :").out, "1\n") << "loopback only";
}

TEST_F(IsolationTest, DyingTakesEveryDescendantAlong) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const std::string mark = "7" + std::to_string(::getpid());
  run(sandbox_, "for i in 1 2 3; do setsid nohup sleep " + mark + " >/dev/null 2>&1 & done");
  const auto alive = [&] { return count_processes("sleep", mark); };
  ASSERT_TRUE(eventually([&] { return alive() == 3; }));
  EXPECT_EQ(api("DELETE", "/sandboxes/" + sandbox_.id).status, 204);
  EXPECT_EQ(alive(), 0);
}

TEST_F(IsolationTest, APidOfOneSandboxNamesNothingInAnother) {
  start();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  OSIRIS_NEEDS(::access("/proc/sys/kernel/ns_last_pid", W_OK) == 0, "kernel that lets process numbers be chosen");
  const SandboxHandle other = create();
  // Both have run the same number of processes; those that have ended are answered for a while too.
  for (int i = 0; i < 3; ++i) {
    run(sandbox_, "true");
    run(other, "true");
  }
  EventStream theirs(other, "process.Process/Start", shell("exec sleep 60"));
  const int64_t pid = theirs.pid();
  ASSERT_GT(pid, 1);
  const Json selector = Json::object({{"process", Json::object({{"pid", pid}})}});
  const auto outcome = EventStream(sandbox_, "process.Process/Connect", selector).finish();
  EXPECT_EQ(outcome.end_of_stream["error"]["code"].as_string(), "not_found");
  Json kill = selector;
  kill.set("signal", "SIGNAL_SIGKILL");
  EXPECT_EQ(rpc(sandbox_, "process.Process/SendSignal", kill).status, 404);
  EXPECT_EQ(rpc(other, "process.Process/SendSignal", kill).status, 200);
  EXPECT_EQ(theirs.finish().exit_code(), -1);
}

// As in a container that gives the server neither ids nor namespaces.
TEST(Fallback, SaysAtStartWhyThereAreNoNamespaces) {
  const std::string data =
      (std::filesystem::temp_directory_path() / ("osiris-e2b-fallback-" + std::to_string(::getpid()))).string();
  const std::string program = std::string(std::getenv("OSIRIS_BUILD_DIR")) + "/bin/osiris-e2b-server";
  const std::string command =
      "exec unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" --api-key "
      "k --data \"$1\" " +
      std::string("--parent-pid $PPID' '") + program + "' '" + data + "'";
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char line[4096] = "";
  const bool said = std::fgets(line, sizeof line, pipe) != nullptr;
  const Json ready = said ? *parse_json(line) : Json();
  if (said) ::kill(static_cast<pid_t>(ready["pid"].as_int()), SIGTERM);
  const int status = ::pclose(pipe);
  std::filesystem::remove_all(data);
  OSIRIS_NEEDS(said, "user namespaces that can forbid further ones");
  EXPECT_EQ(ready["isolation"].as_string(), "directories");
  EXPECT_EQ(ready["users"].as_string(), "user");
  EXPECT_NE(ready["isolation_reason"].as_string().find(
                "namespaces: the sandbox's first process did not come up: clone namespaces"),
            std::string::npos)
      << line;
  EXPECT_EQ(status, 0);
}

TEST_F(IsolationTest, PrivateDirectoriesStandInWhereNamespacesAreForbidden) {
  start({"--isolation", "directories"});
  EXPECT_EQ(server_->ready_line()["isolation"].as_string(), "directories");
  const SandboxHandle one = create(), two = create();
  EXPECT_EQ(envd(one, "POST", "/files?path=/tmp/f", {{"content-type", "application/octet-stream"}}, "x")
                .json()
                .items()[0]["path"]
                .as_string(),
            "/tmp/f");
  EXPECT_EQ(read(one, "/tmp/f"), "x");
  EXPECT_EQ(envd(two, "GET", "/files?path=/tmp/f").status, 404);
  EXPECT_EQ(run(one, "cat $TMPDIR/f; echo y > g").out, "x");
  EXPECT_EQ(read(one, "g"), "y\n");
  EXPECT_EQ(read(one, "/home/user/g"), "y\n");
  EventStream sleeper(one, "process.Process/Start", shell("sleep 100"));
  ASSERT_GT(sleeper.pid(), 0);
  EXPECT_EQ(api("DELETE", "/sandboxes/" + one.id).status, 204);
  EXPECT_TRUE(sleeper.finish().was_reset);
}

}  // namespace
}  // namespace osiris::e2b_server
