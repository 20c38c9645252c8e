// The three line files of a session: events.jsonl, metrics.jsonl and osiris.log.
//
// The run directory's name holds the manifest hash, so it is not known before the pipeline is compiled; what happens
// until then is kept in memory and written first when the directory opens, with the times at which it happened. Every
// record is masked when it is written, so that one made before a secret was known cannot show it. Each line is one
// write(2): whatever kills the host, the lines before stand whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/run/masking.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/file.h"
#include "protocol/base/json.h"

namespace osiris {

enum class LogLevel { kDebug = 10, kInfo = 20, kWarning = 30, kError = 40 };
std::string_view level_name(LogLevel level);  // "DEBUG", "INFO", "WARNING", "ERROR"
LogLevel level_from_number(int level);

// A record as it is written: masked.
struct WrittenRecord {
  enum class Kind { kEvent, kMetric, kLog };
  Kind kind;
  int64_t time_unix_ns;
  const std::string& name;  // of the event or metric; the logger
  const Json& value;        // the metric's; a log line's text
  const Json& fields;
  LogLevel level;
};

// [any thread] once open; `clock` and `masking` must outlive it.
class RunLog {
 public:
  RunLog(const Clock& clock, Masking& masking) : clock_(clock), masking_(masking) {}

  // Sees every record from the moment the files are open, those that were kept too. On the thread that writes it, so it
  // may neither wait nor write records. Set before anything else; may be empty.
  std::function<void(const WrittenRecord&)> watch;

  // Opens the files in an existing directory and writes what was kept; `session` is the run id, on every line. With
  // `debug`, debug.log gets every line and osiris.log, as always, those from kInfo up.
  Status open(const std::filesystem::path& directory, std::string session, bool debug);
  bool is_open() const;

  // `fields` is an object whose members follow ts, session and event. time_unix_ns 0: now. `durable` returns when the
  // line is on the disk.
  void event(std::string_view name, Json fields = Json::object(), int64_t time_unix_ns = 0, bool durable = false);
  void metric(std::string_view name, Json value, Json fields = Json::object(), int64_t time_unix_ns = 0);
  void log(LogLevel level, std::string_view logger, std::string_view text, int64_t time_unix_ns = 0);

  uint64_t events_written() const;
  // The first write that failed: the session then is not complete, and the run must not claim it is.
  std::optional<Error> write_error() const;

 private:
  using Kind = WrittenRecord::Kind;
  struct Record {
    Kind kind;
    int64_t time_unix_ns;
    std::string name;  // of the event or metric; the logger
    Json value;        // the metric's; a log line's text
    Json fields;
    LogLevel level = LogLevel::kInfo;
    bool durable = false;
  };
  Record masked(Record record) const;
  std::string line(const Record& masked) const;
  void put(Record record);
  void write(const Record& record, std::string_view line);

  const Clock& clock_;
  Masking& masking_;
  mutable std::mutex mutex_;
  std::string session_;
  bool open_ = false;
  bool debug_ = false;
  std::vector<Record> kept_;
  LineFile events_, metrics_, log_, debug_log_;
  uint64_t events_written_ = 0;
  std::optional<Error> write_error_;
};

}  // namespace osiris
