// osiris.yaml, slugs and paths, run ids, counters and the run index.
#include "host/project/project.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <barrier>
#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include "host/project/run_index.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class ProjectTest : public ::testing::Test {
 protected:
  ProjectTest() {
    char name[] = "/tmp/osiris-test-XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  ~ProjectTest() override { fs::remove_all(dir_); }

  Project load(const std::string& osiris_yaml) {
    std::ofstream(dir_ / "osiris.yaml") << osiris_yaml;
    findings_ = Diagnostics("osiris.yaml");
    return Project::load(dir_, environment_, findings_);
  }
  std::string only_error(const std::string& osiris_yaml) {
    (void)load(osiris_yaml);
    EXPECT_EQ(findings_.errors().size(), 1u);
    return findings_.errors().empty() ? "" : findings_.errors()[0].message;
  }

  fs::path dir_;
  Environment environment_;
  Diagnostics findings_;
};

TEST(Slugs, KeepLettersDigitsAndSingleHyphens) {
  EXPECT_EQ(slugify("fs conn Test"), "fs-conn-test");
  EXPECT_EQ(slugify("p_fsconn"), "p-fsconn");
  EXPECT_EQ(slugify("--My__Pipe: V2!--"), "my-pipe-v2");
  EXPECT_EQ(slugify("run-000001_01M83EVF9CT33H60A2B59753JP"), "run-000001-01m83evf9ct33h60a2b59753jp");
  EXPECT_EQ(slugify("../../etc"), "etc");
}

TEST(Names, FillTokensAndDropUnknownOnes) {
  NameTokens tokens;
  tokens.pipeline_slug = "orders_by customer";
  tokens.run_ts = "20251123T054253Z";
  tokens.run_id = "run-000001_01M83EVF9CT33H60A2B59753JP";
  tokens.manifest_short = "781ac7a";
  EXPECT_EQ(render_name("{pipeline_slug}/{run_ts}_{run_id}-{manifest_short}", tokens),
            "orders-by-customer/20251123t054253z_run-000001-01m83evf9ct33h60a2b59753jp-781ac7a");
  EXPECT_EQ(render_name("{branch}/{nothing}--x//{tags}y", tokens), "x/y") << "empty tokens leave no holes";
}

TEST_F(ProjectTest, WithoutAFileDefaultsHold) {
  const Project project = Project::load(dir_, environment_, findings_);
  EXPECT_TRUE(findings_.ok());
  EXPECT_FALSE(project.has_file());
  EXPECT_EQ(project.profile_or_default(""), "dev");
  NameTokens tokens;
  tokens.pipeline_slug = "p";
  tokens.profile = "dev";
  tokens.manifest_hash = "abc";
  tokens.manifest_short = "ab";
  tokens.run_id = "R_1";
  tokens.run_ts = "T";
  EXPECT_EQ(project.manifest_dir(tokens), dir_ / "build/pipelines/dev/p/ab-abc");
  EXPECT_EQ(project.run_dir(tokens), dir_ / "run_logs/dev/p/t_r-1-ab");
  EXPECT_EQ(project.index_dir(), dir_ / ".osiris/index");
}

TEST_F(ProjectTest, TheFileAndTheEnvironmentChangeThem) {
  environment_.set("OSIRIS_PROFILE", "prod");
  environment_.set("OSIRIS_RUN_ID_FORMAT", "ulid");
  const Project project = load(
      "filesystem: {base_path: sub, build_dir: b, naming: {manifest_short_len: 9}}\nadapters: {e2b: {timeout: 60}}\n");
  EXPECT_TRUE(findings_.ok());
  EXPECT_EQ(project.base(), dir_ / "sub");
  EXPECT_EQ(project.build_root("prod"), dir_ / "sub/b/pipelines/prod");
  EXPECT_EQ(project.profile_or_default(""), "prod");
  EXPECT_EQ(project.config().run_id_format, (std::vector<std::string>{"ulid"}));
  EXPECT_EQ(project.config().manifest_short_len, 9);
  EXPECT_EQ(project.config().adapters["e2b"]["timeout"], Json(60));
}

TEST_F(ProjectTest, WrongValuesHaveTheKnownTexts) {
  EXPECT_EQ(only_error("filesystem: {profiles: {values: [dev, staging], default: x}}\n"),
            "profiles.default 'x' must be one of profiles.values: dev, staging");
  EXPECT_EQ(only_error("filesystem: {naming: {manifest_short_len: 2}}\n"),
            "naming.manifest_short_len must be between 3 and 16, got 2");
  EXPECT_EQ(only_error("ids: {run_id_format: [x]}\n"),
            "Unsupported run_id_format token 'x'. Supported: incremental, iso_ulid, snowflake, ulid, uuidv4");
  EXPECT_EQ(only_error("filesystem: []\n"), "filesystem must be a mapping, got list");
}

TEST_F(ProjectTest, UnknownKeysWarnWithTheNearestName) {
  (void)load("filesystem: {biuld_dir: x}\n");
  ASSERT_EQ(findings_.warnings().size(), 1u);
  EXPECT_EQ(findings_.warnings()[0].hint, "did you mean 'build_dir'?");
}

TEST_F(ProjectTest, KeysWithoutEffectSayThatTheyHaveNone) {
  (void)load("filesystem: {outputs: {format: csv}}\nlogging: {level: INFO}\n");
  ASSERT_EQ(findings_.warnings().size(), 2u);
  EXPECT_EQ(findings_.warnings()[0].type, "ignored_key");
  EXPECT_EQ(findings_.warnings()[0].message, "'filesystem.outputs' has no effect here");
  EXPECT_EQ(findings_.warnings()[1].location, "logging");
}

TEST_F(ProjectTest, RetentionHasDefaultsAndIsReadFromFileAndEnvironment) {
  EXPECT_EQ(load("").config().retention.run_logs_days, 7);
  EXPECT_EQ(load("").config().retention.aiop_keep_runs_per_pipeline, 200);
  const std::string file = "filesystem: {retention: {run_logs_days: 3, annex_keep_days: 0}}\n";
  EXPECT_EQ(load(file).config().retention.run_logs_days, 3);
  EXPECT_EQ(load(file).config().retention.annex_keep_days, 0);
  EXPECT_TRUE(findings_.warnings().empty());
  environment_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "5");
  environment_.set("OSIRIS_RETENTION_AIOP_KEEP_RUNS_PER_PIPELINE", "6");
  environment_.set("OSIRIS_RETENTION_ANNEX_KEEP_DAYS", "8");
  const Retention retention = load(file).config().retention;
  EXPECT_EQ(retention.run_logs_days, 5);
  EXPECT_EQ(retention.aiop_keep_runs_per_pipeline, 6);
  EXPECT_EQ(retention.annex_keep_days, 8);
  for (const char* wrong : {"-1", "soon", "3d", "99999999999"}) {
    environment_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", wrong);
    EXPECT_NE(only_error("").find("OSIRIS_RETENTION_RUN_LOGS_DAYS must be a whole number from 0"), std::string::npos);
  }
}

TEST_F(ProjectTest, RetentionBySizeIsASize) {
  EXPECT_FALSE(load("").config().retention.max_bytes);
  EXPECT_EQ(load("filesystem: {retention: {max_bytes: 2GiB}}\n").config().retention.max_bytes, 2u << 30);
  EXPECT_EQ(load("filesystem: {retention: {max_bytes: 1000}}\n").config().retention.max_bytes, 1000u);
  EXPECT_NE(only_error("filesystem: {retention: {max_bytes: much}}\n").find("retention.max_bytes must be a size"),
            std::string::npos);
  EXPECT_NE(only_error("filesystem: {retention: {max_bytes: [1]}}\n").find("retention.max_bytes must be a size"),
            std::string::npos);
  environment_.set("OSIRIS_RETENTION_MAX_BYTES", "1MiB");
  EXPECT_EQ(load("").config().retention.max_bytes, 1u << 20);
  environment_.set("OSIRIS_RETENTION_MAX_BYTES", "-1");
  EXPECT_NE(only_error("").find("OSIRIS_RETENTION_MAX_BYTES must be a size"), std::string::npos);
}

TEST_F(ProjectTest, AProjectIsFoundUpwardsAndElseRecordsGoToTheUsersState) {
  environment_.set("XDG_STATE_HOME", "/state");
  fs::create_directories(dir_ / "a/b");
  EXPECT_FALSE(find_project(dir_ / "a/b", environment_).is_project);
  EXPECT_EQ(find_project(dir_ / "a/b", environment_).base, "/state/osiris/outside");
  EXPECT_EQ(find_project(dir_ / "a/b", environment_).directory, dir_ / "a/b");
  std::ofstream(dir_ / "osiris.py");
  EXPECT_EQ(find_project(dir_ / "a/b", environment_).directory, dir_) << "an old tree";
  std::ofstream(dir_ / "a/osiris.yaml");
  EXPECT_EQ(find_project(dir_ / "a/b", environment_).directory, dir_ / "a") << "the nearest mark";
  EXPECT_EQ(find_project(dir_ / "a/b", environment_).base, dir_ / "a");
  EXPECT_EQ(find_project(dir_, environment_).directory, dir_);
}

TEST_F(ProjectTest, RunTimesFollowTheFormat) {
  const int64_t at = 1'763'876'573'123'456'789;
  EXPECT_EQ(load("").format_run_ts(at), "20251123T054253Z");
  EXPECT_EQ(load("filesystem: {naming: {run_ts_format: epoch_ms}}\n").format_run_ts(at), "1763876573123");
  EXPECT_EQ(load("filesystem: {naming: {run_ts_format: none}}\n").format_run_ts(at), "");
  EXPECT_EQ(load("filesystem: {naming: {run_ts_format: '%Y-%m'}}\n").format_run_ts(at), "2025-11");
}

TEST_F(ProjectTest, RunIdsHaveTheKnownShapes) {
  const RunIndex index(dir_ / "index");
  ManualClock clock(1'763'876'573'123'456'789);
  auto id = [&](std::vector<std::string> format) { return *make_run_id(format, "p", index, clock); };
  EXPECT_TRUE(std::regex_match(id({"incremental", "ulid"}), std::regex("run-000001_[0-9A-HJKMNP-TV-Z]{26}")));
  EXPECT_TRUE(id({"incremental"}) == "run-000002");
  EXPECT_TRUE(std::regex_match(id({"iso_ulid"}), std::regex("2025-11-23T05-42-53Z_[0-9A-HJKMNP-TV-Z]{26}")));
  EXPECT_TRUE(std::regex_match(id({"uuidv4"}),
                               std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
  EXPECT_TRUE(std::regex_match(id({"snowflake"}), std::regex("[0-9]{18,20}")));
  EXPECT_FALSE(make_run_id({"x"}, "p", index, clock).ok());
  EXPECT_EQ(make_ulid(clock.unix_ns()).substr(0, 10), make_ulid(clock.unix_ns()).substr(0, 10))
      << "the first ten characters are the time";
}

TEST_F(ProjectTest, CountersAreUniqueWhenManyRunsStartAtOnce) {
  constexpr int kFiles = 60;  // each file has one moment in which it turns to WAL
  constexpr int kRuns = 8;
  ManualClock clock;
  for (int file = 0; file < kFiles; ++file) {
    const RunIndex index(dir_ / ("index" + std::to_string(file)));
    std::barrier start(kRuns);
    std::mutex mutex;
    std::set<int64_t> values;
    std::vector<std::thread> threads;
    for (int run = 0; run < kRuns; ++run)
      threads.emplace_back([&] {
        start.arrive_and_wait();
        for (int i = 0; i < 2; ++i) {
          const auto value = index.next_counter("p", clock);
          const std::lock_guard lock(mutex);
          if (value.ok())
            EXPECT_TRUE(values.insert(*value).second) << *value;
          else
            ADD_FAILURE() << value.error().message;
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(values.size(), 2u * kRuns);
    EXPECT_EQ(*values.rbegin(), 2 * kRuns);
    EXPECT_EQ(*index.next_counter("other", clock), 1);
  }
}

// Each run reads the log of the counter file before it counts.
TEST_F(ProjectTest, TheLogOfTheCountersStaysShort) {
  const RunIndex index(dir_ / "index");
  ManualClock clock;
  uintmax_t longest = 0;
  for (int run = 1; run <= 120; ++run) {
    ASSERT_EQ(*index.next_counter("p", clock), run);
    std::error_code gone;
    const auto bytes = fs::file_size(dir_ / "index/counters.sqlite-wal", gone);
    if (!gone) longest = std::max(longest, bytes);
  }
  EXPECT_LE(longest, 160u << 10);
  EXPECT_GT(longest, 32u << 10) << "a run does not wait for the disk on its own";
}

TEST_F(ProjectTest, ADamagedCounterFileIsNamed) {
  fs::create_directories(dir_ / "index");
  std::ofstream(dir_ / "index/counters.sqlite")
      << "this is no database, but it is long enough to look like a file of one";
  const auto value = RunIndex(dir_ / "index").next_counter("p", system_clock());
  ASSERT_FALSE(value.ok());
  EXPECT_NE(value.error().message.find("counters.sqlite"), std::string::npos);
}

RunRecord record(const std::string& id, const std::string& status) {
  RunRecord run;
  run.run_id = id;
  run.pipeline_slug = "p";
  run.manifest_hash = "abc123";
  run.status = status;
  run.tags = {"nightly"};
  run.extra.set("pid", 7);
  return run;
}

TEST_F(ProjectTest, TheIndexKeepsTheLastRecordOfEachRun) {
  const RunIndex index(dir_ / "index");
  EXPECT_TRUE(index.read()->empty()) << "no index yet: no runs";
  ASSERT_TRUE(index.append(record("r1", "running")).ok());
  ASSERT_TRUE(index.append(record("r2", "running")).ok());
  ASSERT_TRUE(index.append(record("r1", "failed")).ok());
  const auto runs = *index.read();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].run_id + runs[0].status, "r1failed");
  EXPECT_EQ(runs[0].tags, (std::vector<std::string>{"nightly"}));
  EXPECT_EQ(runs[0].extra["pid"], Json(7));
  EXPECT_EQ(*read_file(dir_ / "index/by_pipeline/p.jsonl"), *read_file(dir_ / "index/runs.jsonl"));
}

TEST_F(ProjectTest, ATornTailIsTrimmedByTheNextWriter) {
  const RunIndex index(dir_ / "index");
  ASSERT_TRUE(index.append(record("r1", "success")).ok());
  std::ofstream(dir_ / "index/runs.jsonl", std::ios::app) << "{\"run_id\":\"torn";
  EXPECT_EQ(index.read()->size(), 1u);
  ASSERT_TRUE(index.append(record("r2", "success")).ok());
  EXPECT_EQ(index.read()->size(), 2u);
}

TEST_F(ProjectTest, AHashWithAPrefixIsRefused) {
  RunRecord run = record("r1", "success");
  run.manifest_hash = "sha256:abc";
  EXPECT_EQ(RunIndex(dir_ / "index").append(run).error().message,
            "manifest_hash must be pure hex (no algorithm prefix): sha256:abc");
}

TEST_F(ProjectTest, PointersReadBack) {
  const RunIndex index(dir_ / "index");
  EXPECT_EQ(index.read_last_compile().error().code, Code::kNotFound);
  ASSERT_TRUE(index.write_last_compile({"/x/manifest.yaml", "abc", ""}).ok());
  ASSERT_TRUE(index.write_latest("../evil", {"/y", "d", "prod"}).ok());
  EXPECT_EQ(index.read_last_compile()->path, "/x/manifest.yaml");
  EXPECT_EQ(index.read_latest("../evil")->profile, "prod");
  EXPECT_FALSE(fs::exists(dir_ / "evil.txt")) << "a slug is one file name";
}

// Runs that overlap, some without an end, in an index that is longer than what is read of it at first.
TEST_F(ProjectTest, TheNewestRunsAreThoseThatTheWholeIndexHasLast) {
  const RunIndex index(dir_ / "index");
  EXPECT_TRUE(index.read_newest(3)->empty());
  constexpr int kRuns = 3000;
  const auto line = [](int run, const char* status) {
    RunRecord record;
    record.run_id = "run-" + std::to_string(run);
    record.status = status;
    record.run_logs_path = std::string(100, 'x');
    return record.to_json().dump() + "\n";
  };
  std::string text;
  for (int run = 0; run < kRuns; ++run) {
    text += line(run, "running");
    if (run >= 7 && run % 5 != 0) text += line(run - 7, run % 2 == 0 ? "success" : "failed");
  }
  fs::create_directories(dir_ / "index");
  std::ofstream(dir_ / "index/runs.jsonl") << text << "{\"run_id\":\"torn";
  const auto all = index.read();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), size_t{kRuns});
  for (const size_t count : {size_t{1}, size_t{8}, size_t{50}, size_t{1000}, size_t{kRuns}, size_t{kRuns + 1}}) {
    const auto newest = index.read_newest(count);
    ASSERT_TRUE(newest.ok());
    ASSERT_EQ(newest->size(), std::min(count, all->size()));
    for (size_t i = 1; i <= newest->size(); ++i) {
      EXPECT_EQ((*newest)[newest->size() - i].run_id, (*all)[all->size() - i].run_id);
      EXPECT_EQ((*newest)[newest->size() - i].status, (*all)[all->size() - i].status);
    }
  }
}

}  // namespace
}  // namespace osiris
