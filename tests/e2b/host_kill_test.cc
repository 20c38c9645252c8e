// kill -9 of osiris at random points of a run's life. Before its lease is over `resources reap` finds what is left,
// afterwards nothing is: no sandbox, no process. Sandboxes of others, and of runs that live, are never touched, and the
// session shows how it ended.
//
//   OSIRIS_KILL_SEED=N    the points again (printed by every run)
//   OSIRIS_KILLS=N        more of them
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "tests/attack/scale.h"
#include "tests/e2b/fault_lane.h"
#include "tests/e2b_server/testing/http_client.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

// Where in its life a run is killed: when the server has seen this call, and a random while later.
struct Phase {
  const char* name;
  const char* route;  // empty: from the start
  int wait_ms_max;
};
constexpr Phase kPhases[] = {{"start", "", 60},
                             {"create", "POST /v2/sandboxes", 150},
                             {"upload", "POST /files", 100},
                             {"worker", "POST /process.Process/Start", 60},
                             {"opening", "POST /process.Process/StreamInput", 40},
                             {"steps", "POST /process.Process/StreamInput", 500},
                             {"artifacts", "GET /files", 30},
                             {"delete", "DELETE /sandboxes/{id}", 30},
                             {"verify", "GET /sandboxes/{id}", 30}};
constexpr size_t kPhaseCount = std::size(kPhases);
constexpr int kLease_s = 40;
constexpr int kLongLife_s = 36'000;  // outlives every jump of the clock over a lease, hundreds of them

// A server with a stranger's sandbox and a living run of this user's; both have to survive everything.
class Victims {
 public:
  Victims() : server_(start_server({"--create-ms", "120", "--rtt-ms", "15"})) {
    use_server(project_, server_);
    use_server(other_, server_);
    e2b_server::HttpClient client(server_.url());
    const Json body = Json::object({{"templateID", "base"},
                                    {"timeout", 36'000},
                                    {"metadata", Json::object({{"osiris_owner", "somebody-else"},
                                                               {"osiris_run", "run-of-somebody"},
                                                               {"osiris_token", "t"}})}});
    stranger_ = client
                    .request("POST", "/v2/sandboxes",
                             {{"x-api-key", server_.api_key()}, {"content-type", "application/json"}}, body.dump())
                    .json()["sandboxID"]
                    .as_string();
    project_.write("out/.keep", "");
    project_.write("hang.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: politely")}));
    project_.write("pipeline.yaml",
                   e2e::oml("victim", {e2e::mock_step("a", "sleep_ms: 300, rows: 1, write: out/a.txt, text: hello")}));
    living_run_.emplace(project_.start(
        run_arguments("e2b", {"--e2b-lease", "3600", "--e2b-timeout", std::to_string(kLongLife_s)}, "hang.yaml")));
    living_run_->until("a: Starting");
    for (const std::string& id : ids())
      if (id != stranger_) living_ = id;
    const Json longer = Json::object({{"timeout", kLongLife_s}});
    client.request("POST", "/sandboxes/" + living_ + "/timeout",
                   {{"x-api-key", server_.api_key()}, {"content-type", "application/json"}}, longer.dump());
    processes_ = processes();
  }

  // Kills a run in this phase, and cleans up one way or the other. False: the run had ended before the kill.
  bool kill(const Phase& phase, int wait_ms, bool reaps) {
    const std::string what =
        std::string(phase.name) + " + " + std::to_string(wait_ms) + " ms" + (reaps ? ", reaped" : ", lease over");
    server_.clear_requests();
    auto running = project_.start(run_arguments("e2b", {"--e2b-lease", std::to_string(kLease_s)}));
    const std::string route = phase.route;
    const bool came = route.empty() || test::eventually([&] {
                        const Json all = server_.requests_by_arrival();
                        for (const Json& request : all.items())
                          if (request["route"].as_string() == route) return true;
                        return !e2e::is_alive(running.pid());
                      });
    EXPECT_TRUE(came) << what;
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    running.kill(SIGKILL);
    const bool was_killed = running.end().exit == 128 + SIGKILL;
    // A create that was under way may still come to its end.
    EXPECT_TRUE(test::eventually([&] {
      const Json all = server_.requests_by_arrival();
      for (const Json& request : all.items())
        if (request["open"].as_bool() && request["route"].as_string().find("/v2/sandboxes") != std::string::npos)
          return false;
      return true;
    })) << what;

    if (reaps) {
      const Outcome reaped = project_.osiris({"resources", "reap", "--adapter", "e2b"});
      EXPECT_EQ(reaped.exit, 0) << what << "\n" << reaped.err;
    } else {
      server_.jump_clock((kLease_s + 1) * 1000);
    }
    EXPECT_TRUE(test::eventually([&] { return ids().size() <= 2; })) << what << ": left " << server_.sandboxes().dump();
    const std::set<std::string> alive = ids();
    EXPECT_EQ(alive, std::set<std::string>({stranger_, living_})) << what;
    for (const std::string& id : alive)
      (reaps ? left_after_reap : left_after_lease) += id != stranger_ && id != living_;
    lost += (alive.count(stranger_) == 0) + (alive.count(living_) == 0);
    EXPECT_TRUE(test::eventually([&] { return processes() <= processes_; })) << what << ": processes are left";
    EXPECT_EQ(processes(), processes_) << what << ": the living run lost a process";
    return was_killed;
  }

  // Every killed run that got as far as a session is shown as interrupted.
  void check_sessions() {
    const Json runs = project_.runs();
    int interrupted = 0;
    for (const Json& run : runs.items()) {
      const std::string status = run["status"].as_string();
      EXPECT_TRUE(status == "interrupted" || status == "success" || status == "running") << run.dump();
      interrupted += status == "interrupted";
    }
    EXPECT_GT(interrupted, 0);
  }

  void end() {
    const Outcome reaped = other_.osiris({"resources", "reap", "--adapter", "e2b"});
    EXPECT_EQ(reaped.exit, 0) << reaped.err;
    EXPECT_EQ(ids(), std::set<std::string>({stranger_, living_})) << "another user's reap touched them";
    living_run_->kill(SIGINT);
    EXPECT_EQ(living_run_->end().exit, 130);
    EXPECT_EQ(ids(), std::set<std::string>({stranger_}));
  }

  size_t left_after_lease = 0, left_after_reap = 0, lost = 0;

 private:
  std::set<std::string> ids() const {
    std::set<std::string> out;
    const Json all = server_.sandboxes();
    for (const Json& sandbox : all.items()) out.insert(sandbox["sandboxID"].as_string());
    return out;
  }
  size_t processes() const { return count_descendants(server_.pid()); }

  ServerProcess server_;
  Project project_, other_;
  std::string stranger_, living_;
  std::optional<e2e::Running> living_run_;
  size_t processes_ = 0;
};

TEST(HostKill, LeavesNothingAfterOneLeaseAtAnyPoint) {
  const uint64_t seed = attack::scale("OSIRIS_KILL_SEED", std::random_device{}(), std::random_device{}());
  const size_t wanted = attack::scale("OSIRIS_KILLS", 54, 504);
  std::printf("host kills: OSIRIS_KILL_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mutex mutex;
  size_t killed = 0, tried = 0, left_after_lease = 0, left_after_reap = 0, lost = 0;
  std::map<std::string, size_t> per_phase;
  const auto work = [&](size_t lane, size_t lanes) {
    Victims victims;
    for (size_t i = lane; i < wanted; i += lanes) {
      const Phase& phase = kPhases[i % kPhaseCount];
      std::mt19937_64 random(seed + i);
      // A run may have ended by then; another try then, a little earlier.
      for (int attempt = 0; attempt < 8; ++attempt) {
        const int wait_ms = static_cast<int>(random() % static_cast<uint64_t>(phase.wait_ms_max + 1)) >> attempt;
        const bool was_killed = victims.kill(phase, wait_ms, (i / kPhaseCount) % 2 == 0);
        const std::lock_guard lock(mutex);
        ++tried;
        killed += was_killed;
        per_phase[phase.name] += was_killed;
        if (was_killed) break;
      }
    }
    victims.check_sessions();
    victims.end();
    const std::lock_guard lock(mutex);
    left_after_lease += victims.left_after_lease;
    left_after_reap += victims.left_after_reap;
    lost += victims.lost;
  };
  constexpr size_t kLanes = 3;
  std::vector<std::thread> threads;
  for (size_t lane = 0; lane < kLanes; ++lane) threads.emplace_back(work, lane, kLanes);
  for (std::thread& thread : threads) thread.join();
  std::printf(
      "attack: host kills: %zu killed; sandboxes left after one lease %zu, after a reap %zu, of a stranger or a living "
      "run lost %zu\n",
      killed, left_after_lease, left_after_reap, lost);
  std::printf("host kills: %zu of %zu runs were killed:", killed, tried);
  for (const auto& [phase, count] : per_phase) std::printf(" %s %zu", phase.c_str(), count);
  std::printf("\n");
  EXPECT_GE(killed, std::min<size_t>(wanted, 50));
  EXPECT_EQ(per_phase.size(), kPhaseCount);
}

}  // namespace
}  // namespace osiris::e2b_test
