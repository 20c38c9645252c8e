// Copies between real servers that are killed: each goes on from its last committed chunk and ends with the rows of an
// undisturbed one, and with nothing beside.
//
//   OSIRIS_KILL_SEED=N    the points of the kills again (printed by every run)
//   OSIRIS_KILLS=N        kills of each direction, in the place of 25, or of 100 in `make attack`
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <random>

#include "tests/attack/scale.h"
#include "tests/postgres/copies.h"
#include "tests/support/children.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundsPerKill = 8;  // of which some end before their kill

class CopiesKilled : public Copies {
 protected:
  // A run that something ends somewhere in `life`: SIGKILL of the host, and the worker with it; of the worker alone;
  // its connections that are cut; PostgreSQL that crashes and comes back. False: it ended first, and well.
  bool kill_within(std::chrono::microseconds life, bool resumes, std::mt19937& random) {
    std::vector<std::string> words = {"run", "copy.yaml"};
    if (resumes) words.emplace_back("--resume");
    Running running = project_.start(words);
    const auto until = Clock::now() + std::chrono::microseconds(std::uniform_int_distribution<int64_t>(
                                          life.count() / 4, life.count())(random));
    (void)osiris::test::eventually([&] { return Clock::now() >= until || !is_alive(running.pid()); });
    const auto kind = random() % 20;
    if (kind < 9) {
      running.kill(SIGKILL);
    } else if (kind < 13) {
      const std::vector<pid_t> workers = osiris::test::children_of(running.pid());
      if (!workers.empty()) ::kill(workers[0], SIGKILL);
    } else if (kind < 19) {
      cut_connections();
    } else {
      postgres_->crash();
      EXPECT_TRUE(postgres_->start_again().ok());
    }
    return running.end().exit != 0;
  }
  static void cut_connections() {
    on_postgres("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
    const auto kills = mariadb_->query(
        "SELECT COALESCE(GROUP_CONCAT(CONCAT('KILL ', ID) SEPARATOR ';'), '') FROM information_schema.PROCESSLIST "
        "WHERE USER = 'app'");
    // One that has gone meanwhile is an error.
    if (kills.ok() && kills->size() > 1) (void)mariadb_->execute(*kills);
  }
  void survive_kills(const std::string& from, const std::string& to);
};

void CopiesKilled::survive_kills(const std::string& from, const std::string& to) {
  const auto seed =
      static_cast<unsigned>(attack::scale("OSIRIS_KILL_SEED", std::random_device()(), std::random_device()()));
  const int kills = static_cast<int>(attack::scale("OSIRIS_KILLS", 25, 100));
  // Tests' servers answer a commit before it is written; a crash would take the last ones back.
  on_postgres("ALTER ROLE app SET synchronous_commit = on");
  std::printf("OSIRIS_KILL_SEED=%u, %d kills from %s to %s\n", seed, kills, from.c_str(), to.c_str());
  std::mt19937 random(seed);
  // Over several connections where the source can.
  const std::string parts =
      from == "postgres" && to == "mysql" ? "column: id, parts: 3, chunk_rows: " + std::to_string(kChunkRows) : "";
  write_pipeline(from, to, "write_mode: replace, verify: full", parts);
  const auto begun = Clock::now();
  const Outcome undisturbed = run();
  ASSERT_EQ(undisturbed.exit, 0) << undisturbed.out << undisturbed.err;
  const auto life = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
  const std::string expected = rows_of(to, "target");
  ASSERT_EQ(expected, rows_of(from, "source"));
  ASSERT_EQ(chunks()["committed"].as_int(), kChunks);
  int killed = 0, reused = 0;
  bool is_begun = false;  // a copy that has not ended
  for (int round = 1; killed < kills && round <= kills * kRoundsPerKill; ++round) {
    const int before = std::max(committed_on(to), 0);
    const bool was_killed = kill_within(life, is_begun, random);
    killed += was_killed;
    until_still(to);
    const int after = committed_on(to);
    // What is committed stays, until the copy has ended.
    if (is_begun && after >= 0) {
      ASSERT_GE(after, before) << "round " << round;
    }
    is_begun = was_killed;
    if (!is_begun || round % 5 != 0) continue;  // kills after kills too
    const int there = std::max(after, 0);
    const Outcome outcome = run(true);
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    ASSERT_EQ(rows_of(to, "target"), expected) << "round " << round;
    ASSERT_EQ(left_on(to), "none\n") << "round " << round;
    // A host that is killed after its worker has ended finds all of it done.
    if (!chunks().is_null()) {
      EXPECT_EQ(chunks()["reused"].as_int(), there);
      EXPECT_EQ(rows_read(), static_cast<uint64_t>(kRows - there * kChunkRows)) << "only what is missing is read";
    }
    reused += there;
    is_begun = false;
  }
  ASSERT_EQ(run().exit, 0);
  EXPECT_EQ(rows_of(to, "target"), expected);
  EXPECT_EQ(left_on(to), "none\n");
  std::printf(
      "attack: copies from %s to %s: %d of %d kills, %d chunks of killed runs gone on with; rows lost or twice 0\n",
      from.c_str(), to.c_str(), killed, kills, reused);
  EXPECT_EQ(killed, kills) << "the others ended first";
  EXPECT_GT(reused, 0) << "some kill came between chunks";
}

TEST_F(CopiesKilled, GoOnAfterKillsFromPostgresToPostgres) {
  const size_t before = reads_logged();
  survive_kills("postgres", "postgres");
  std::printf("%zu reads\n", reads_logged() - before);
}

TEST_F(CopiesKilled, GoOnAfterKillsFromMariaDbToPostgres) { survive_kills("mysql", "postgres"); }

TEST_F(CopiesKilled, GoOnAfterKillsFromPostgresToMariaDb) { survive_kills("postgres", "mysql"); }

TEST_F(CopiesKilled, GoOnAfterKillsFromMariaDbToMariaDb) { survive_kills("mysql", "mysql"); }

}  // namespace
}  // namespace osiris::e2e
