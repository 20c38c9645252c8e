// Ten million rows, a million groups, more bytes than the worker may use: they go through with exact counts, by way of
// the disk, and the process stays within its limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cinttypes>
#include <fstream>
#include <vector>

#include "tests/worker/worker_process.h"

namespace osiris::worker::test {
namespace {

constexpr uint64_t kRows = 10'000'000;
constexpr uint64_t kGroups = 1'000'000;
constexpr uint64_t kLimitBytes = 512ull << 20;
constexpr uint64_t kSlackBytes = 128ull << 20;
constexpr uint64_t kFileBytesMin = 500'000'000;

// The same bytes on every machine. Returns the file's size.
uint64_t generate(const std::filesystem::path& path) {
  std::vector<char> buffer(1 << 20);
  std::FILE* file = std::fopen(path.c_str(), "w");
  EXPECT_NE(file, nullptr);
  std::setvbuf(file, buffer.data(), _IOFBF, buffer.size());
  std::fputs("id,customer,amount,note,day\n", file);
  uint64_t state = 1;
  for (uint64_t row = 0; row < kRows; ++row) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    // Every group occurs: the first million rows go through them in order.
    const uint64_t group = row < kGroups ? row : (state >> 33) % kGroups;
    std::fprintf(file,
                 "%" PRIu64 ",customer-%06" PRIu64 ",%" PRIu64 ".%02" PRIu64 ",note number %" PRIu64 ",2025-%02" PRIu64
                 "-%02" PRIu64 "\n",
                 row, group, (state >> 20) % 10000, (state >> 40) % 100, (state >> 30) % 50000, 1 + row % 12,
                 1 + row % 28);
  }
  const auto size = static_cast<uint64_t>(std::ftell(file));
  std::fclose(file);
  return size;
}

uint64_t peak_rss_bytes(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
  }
  return 0;
}

Json file_step(const std::string& id, const std::string& driver, const std::string& mode, const std::string& path,
               const char* need) {
  Json step = sql_step(id, "", need ? std::vector<std::string>{need} : std::vector<std::string>{});
  for (const char* key : {"component", "driver"}) step.set(key, driver);
  step.set("mode", mode);
  step.set("cfg", Json::object({{"component", driver}, {"path", path}}));
  return step;
}

TEST(WorkerMemory, TenMillionRowsGoThroughUnderALimitOf512MiB) {
  const Session session;
  ASSERT_GE(generate(session.directory() / "big.csv"), kFileBytesMin);
  WorkerProcess worker;
  const Json::Array steps = {
      file_step("read", "filesystem.csv_extractor", "read", "big.csv", nullptr),
      sql_step("group",
               "SELECT customer, count(*) AS n, sum(amount) AS total, max(note) AS note, min(day) AS first_day FROM "
               "df_read GROUP BY customer ORDER BY customer",
               {"read"}),
      file_step("write", "filesystem.csv_writer", "write", "out.csv", "group"),
      // One row, or a division by zero that names what is wrong.
      sql_step("check",
               "SELECT 1 // (CASE WHEN count(*) = 1000000 AND sum(n) = 10000000 AND count(DISTINCT customer) = 1000000 "
               "THEN 1 END) AS ok FROM df_group HAVING ok = 1",
               {"group"})};
  Json params = session.prepare_params(steps);
  params.set("settings", Json::object({{"memory_limit_bytes", kLimitBytes}, {"heartbeat_ms", 50}}));
  worker.request("prepare", "prepare", std::move(params));
  for (const Json& step : steps)
    worker.request(step["id"].as_string(), "execute_step", Json::object({{"step_id", step["id"]}}));
  worker.request("finish", "finish");
  const Json finish = worker.response("finish")["result"];
  ASSERT_EQ(finish["steps_completed"].as_int(), 4) << worker.log();
  EXPECT_EQ(worker.response("read")["result"]["metrics"]["rows_read"].as_uint(), kRows);
  EXPECT_EQ(worker.response("write")["result"]["metrics"]["rows_written"].as_uint(), kGroups);
  EXPECT_EQ(worker.response("check")["result"]["metrics"]["rows_out"].as_uint(), 1u);

  uint64_t spill_bytes = 0;
  for (const Json& beat : worker.heartbeats())
    spill_bytes = std::max(spill_bytes, beat["data"]["spill_bytes"].as_uint());
  EXPECT_GT(spill_bytes, 0u) << "nothing was spilled: the limit was never felt";
  const uint64_t peak = peak_rss_bytes(worker.pid());
  EXPECT_GT(peak, 0u);
  EXPECT_LE(peak, kLimitBytes + kSlackBytes);
  std::printf("peak %" PRIu64 " MiB, spilled %" PRIu64 " MiB\n", peak >> 20, spill_bytes >> 20);
}

}  // namespace
}  // namespace osiris::worker::test
