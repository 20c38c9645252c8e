#include "host/run/run_log.h"

#include <time.h>

namespace osiris {
namespace {

// "2025-11-23 05:42:53", UTC.
std::string log_time(int64_t unix_ns) {
  const time_t seconds = unix_ns / 1'000'000'000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 && c != '\t')
      out += '?';
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "INFO";
}

LogLevel level_from_number(int level) {
  if (level >= 40) return LogLevel::kError;
  if (level >= 30) return LogLevel::kWarning;
  if (level >= 20) return LogLevel::kInfo;
  return LogLevel::kDebug;
}

Status RunLog::open(const std::filesystem::path& directory, std::string session, bool debug) {
  OSIRIS_ASSIGN(LineFile events, LineFile::open(directory / "events.jsonl"));
  OSIRIS_ASSIGN(LineFile metrics, LineFile::open(directory / "metrics.jsonl"));
  OSIRIS_ASSIGN(LineFile log, LineFile::open(directory / "osiris.log"));
  LineFile debug_log;
  if (debug) {
    OSIRIS_ASSIGN(debug_log, LineFile::open(directory / "debug.log"));
  }
  std::lock_guard lock(mutex_);
  events_ = std::move(events);
  metrics_ = std::move(metrics);
  log_ = std::move(log);
  debug_log_ = std::move(debug_log);
  session_ = std::move(session);
  open_ = true;
  debug_ = debug;
  bool is_durable = false;
  for (Record& kept : kept_) {
    const Record record = masked(std::move(kept));
    write(record, line(record));
    is_durable |= record.durable;
  }
  if (is_durable) OSIRIS_TRY(events_.sync());
  kept_.clear();
  if (write_error_) return *write_error_;
  return {};
}

bool RunLog::is_open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

void RunLog::event(std::string_view name, Json fields, int64_t time_unix_ns, bool durable) {
  put({Kind::kEvent, time_unix_ns, std::string(name), {}, std::move(fields), LogLevel::kInfo, durable});
}

void RunLog::metric(std::string_view name, Json value, Json fields, int64_t time_unix_ns) {
  put({Kind::kMetric, time_unix_ns, std::string(name), std::move(value), std::move(fields)});
}

void RunLog::log(LogLevel level, std::string_view logger, std::string_view text, int64_t time_unix_ns) {
  put({Kind::kLog, time_unix_ns, std::string(logger), text, Json::object(), level});
}

RunLog::Record RunLog::masked(Record record) const {
  if (record.kind == Kind::kLog) record.value = masking_.text(record.value.as_string());
  masking_.mask(record.fields);
  return record;
}

std::string RunLog::line(const Record& masked) const {
  if (masked.kind == Kind::kLog)
    return log_time(masked.time_unix_ns) + " - " + one_line(masked.name) + " - [" + session_ + "] - " +
           std::string(level_name(masked.level)) + " - " + one_line(masked.value.as_string());
  // Written down as it is, without a document of it: this is done for every record of every step.
  const bool is_event = masked.kind == Kind::kEvent;
  const std::string_view kind = is_event ? "event" : "metric";
  std::string line = "{\"ts\":\"" + format_iso8601_micros(masked.time_unix_ns) + "\",\"session\":";
  append_json_text(line, session_);
  line.append(",\"").append(kind).append("\":");
  append_json_text(line, masked.name);
  if (!is_event) {
    line += ",\"value\":";
    append_json(line, masked.value);
  }
  for (const auto& [key, value] : masked.fields.members()) {
    if (key == "ts" || key == "session" || key == kind || (!is_event && key == "value")) continue;
    line += ',';
    append_json_text(line, key);
    line += ':';
    append_json(line, value);
  }
  return line += '}';
}

void RunLog::put(Record record) {
  if (record.time_unix_ns == 0) record.time_unix_ns = clock_.unix_ns();
  {
    std::lock_guard lock(mutex_);
    if (!open_) {
      kept_.push_back(std::move(record));
      return;
    }
  }
  record = masked(std::move(record));
  const std::string text = line(record);
  {
    std::lock_guard lock(mutex_);
    write(record, text);
  }
  if (!record.durable) return;
  // Without the lock: others write meanwhile, and those that wait for the disk too share its time.
  const Status synced = events_.sync();
  std::lock_guard lock(mutex_);
  if (!synced.ok() && !write_error_) write_error_ = synced.error();
}

void RunLog::write(const Record& record, std::string_view line) {
  const auto append = [&](LineFile& file) {
    const Status status = file.append(line);
    if (!status.ok() && !write_error_) write_error_ = status.error();
    return status.ok();
  };
  switch (record.kind) {
    case Kind::kEvent:
      if (append(events_)) ++events_written_;
      break;
    case Kind::kMetric:
      append(metrics_);
      break;
    case Kind::kLog:
      if (record.level != LogLevel::kDebug) append(log_);
      if (debug_) append(debug_log_);
      break;
  }
  if (watch) watch({record.kind, record.time_unix_ns, record.name, record.value, record.fields, record.level});
}

uint64_t RunLog::events_written() const {
  std::lock_guard lock(mutex_);
  return events_written_;
}

std::optional<Error> RunLog::write_error() const {
  std::lock_guard lock(mutex_);
  return write_error_;
}

}  // namespace osiris
