#include "tests/unit/host_pages/session_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "protocol/base/clock.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kStartUnixNs = 1'763'870'400'000'000'000;  // 2025-11-23T04:00:00Z

std::string line(double second, const char* kind, std::string_view name, std::string_view fields) {
  return "{\"ts\":\"" + format_iso8601_micros(kStartUnixNs + static_cast<int64_t>(second * 1e9)) +
         "\",\"session\":\"run-1\",\"" + kind + "\":\"" + std::string(name) + "\"" + (fields.empty() ? "" : ",") +
         std::string(fields) + "}\n";
}

}  // namespace

SessionFiles::SessionFiles() {
  std::string pattern = fs::temp_directory_path() / "osiris-pages-XXXXXX";
  directory_ = mkdtemp(pattern.data());
}

SessionFiles::~SessionFiles() { fs::remove_all(directory_); }

void SessionFiles::write(const fs::path& file, std::string_view text) const {
  fs::create_directories((directory_ / file).parent_path());
  std::ofstream(directory_ / file, std::ios::binary) << text;
}

void SessionFiles::event(double second, std::string_view name, std::string_view fields) {
  events_ += line(second, "event", name, fields);
}

void SessionFiles::metric(double second, std::string_view name, double value, std::string_view fields) {
  metrics_ += line(second, "metric", name,
                   "\"value\":" + std::to_string(value) + (fields.empty() ? "" : ",") + std::string(fields));
}

RunRecord SessionFiles::record(const std::string& status) const {
  RunRecord record;
  record.run_id = "run-000001_01M83EVF9CT33H60A2B59753JP";
  record.pipeline_slug = "hello";
  record.status = status;
  record.run_ts = "2025-11-23T04:00:00.000000+00:00";
  record.duration_ms = 12'000;
  record.run_logs_path = directory_.string();
  return record;
}

RunHistory SessionFiles::history(const std::string& status) {
  write("events.jsonl", events_);
  write("metrics.jsonl", metrics_);
  auto history = read_run_history(record(status));
  EXPECT_TRUE(history.ok()) << history.error().message;
  return history.ok() ? *std::move(history) : RunHistory();
}

}  // namespace osiris
