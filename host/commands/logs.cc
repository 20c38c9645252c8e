// osiris logs list|show|last: what a run left in its session directory.
#include <algorithm>

#include "host/commands/commands.h"
#include "host/commands/run_records.h"
#include "host/display/format.h"
#include "host/pages/session_steps.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct ListOptions {
  size_t limit = 20;
  bool no_wrap = false;
};

void add_list_options(CLI::App& command, ListOptions& options) {
  command.add_option("--limit", options.limit, "at most this many, newest first; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--no-wrap", options.no_wrap)->group("");
}

Json read_status(const RunRecord& record) {
  const auto text = read_file(fs::path(record.run_logs_path) / "status.json");
  if (!text.ok()) return Json::object();
  auto status = parse_json(*text);
  return status.ok() ? *std::move(status) : Json::object();
}

std::string steps_text(const Json& status) {
  if (!status.contains("steps_total")) return "";
  return std::to_string(status["steps_completed"].as_int()) + "/" + std::to_string(status["steps_total"].as_int());
}

Json session_json(const RunRecord& record, const Json& status) {
  return Json::object({{"session_id", record.run_id},
                       {"pipeline", record.pipeline_slug},
                       {"start_time", record.run_ts},
                       {"status", record.status},
                       {"duration_seconds", static_cast<double>(record.duration_ms) / 1e3},
                       {"steps_completed", status["steps_completed"]},
                       {"steps_total", status["steps_total"]},
                       {"session_dir", record.run_logs_path},
                       {"adapter", record.runtime_env}});
}

int list(const CommandContext& context, const ListOptions& options) {
  const auto records = read_runs(context, {"", "", "", "", options.limit});
  if (!records.ok()) return fail(context, records.error());
  Json sessions = Json::array();
  Table table({{"Session ID"}, {"Pipeline"}, {"Start Time"}, {"Status"}, {"Duration", true}, {"Steps", true}});
  for (const RunRecord& record : *records) {
    const Json status = read_status(record);
    sessions.push_back(session_json(record, status));
    table.row({printable(record.run_id), printable(record.pipeline_slug), printable(record.run_ts.substr(0, 19)),
               printable(record.status),
               record.duration_ms ? format_duration(static_cast<double>(record.duration_ms) / 1e3) : "",
               steps_text(status)});
  }
  if (context.json)
    print_json(context, Json::object({{"version", "1.0"},
                                      {"generated_at", format_iso8601_micros(system_clock().unix_ns(), true)},
                                      {"total_sessions", uint64_t{sessions.size()}},
                                      {"sessions", sessions}}));
  else
    print_text(context, table.empty() ? "No sessions yet.\n" : table.text());
  return to_int(ExitCode::kOk);
}

struct ShowOptions {
  std::string session;
  std::string name;
  bool events = false, metrics = false, log = false;
  size_t tail = 0;
};

void add_show_options(CLI::App& command, ShowOptions& options) {
  command.add_option("run", options.name, "run id, its number, its beginning or end, or the session directory")
      ->type_name("RUN");
  command.add_option("--session", options.session, "the same")->type_name("RUN");
  command.add_flag("--events", options.events, "print events.jsonl");
  command.add_flag("--metrics", options.metrics, "print metrics.jsonl");
  command.add_flag("--log", options.log, "print osiris.log");
  command.add_option("--tail", options.tail, "only the last N lines")->type_name("N")->check(CLI::NonNegativeNumber);
}

Result<std::vector<std::string>> last_lines(const fs::path& file, size_t count) {
  std::vector<std::string> lines;
  OSIRIS_TRY(for_each_line(file, [&](std::string_view line) { lines.emplace_back(line); }));
  if (count && lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<ptrdiff_t>(count));
  return lines;
}

int print_lines(const CommandContext& context, const fs::path& file, size_t count, bool json_lines) {
  const auto lines = last_lines(file, count);
  if (!lines.ok()) return fail(context, lines.error());
  if (context.json) {
    Json out = Json::array();
    for (const std::string& line : *lines) {
      auto parsed = json_lines ? parse_json(line) : Result<Json>(Json(line));
      if (parsed.ok()) out.push_back(*std::move(parsed));
    }
    print_json(context, out);
    return to_int(ExitCode::kOk);
  }
  std::string text;
  for (const std::string& line : *lines) text += (json_lines ? terminal_json(line) : printable(line)) + "\n";
  print_text(context, text);
  return to_int(ExitCode::kOk);
}

// A line per step that ended, and one per step that never did: its host died.
std::string steps_story(const std::vector<SessionStep>& steps) {
  std::string text;
  for (const SessionStep& step : steps) {
    const std::string id = printable(step.id);
    if (step.status == "complete" && !step.reused_run_id.empty())
      text += "  ✓ " + id + ": not run again (" + (step.rows ? "rows: " + format_count(*step.rows) + ", " : "") +
              "of " + printable(step.reused_run_id) + ")\n";
    else if (step.status == "complete")
      text += "  ✓ " + id + ": " + (step.rows ? counted(*step.rows, "row") : std::string("– rows")) + ", " +
              (step.duration_s ? format_duration(*step.duration_s) : std::string("–")) + "\n";
    else if (step.status == "failed")
      text += "  ✗ " + id + ": " + printable(excerpt(step.error, "--events has all")) + "\n";
    else if (step.status == "running")
      text += "  ▶ " + id + ": did not end\n";
    else
      text += "  ○ " + id + ": " + step.status + "\n";
  }
  return text;
}

// Unknown is "–", never nothing and never zero.
std::string known(const std::string& text) { return text.empty() ? "–" : printable(text); }

int show_record(const CommandContext& context, const RunRecord& record, const ShowOptions& options) {
  const fs::path directory = record.run_logs_path;
  if (options.events) return print_lines(context, directory / "events.jsonl", options.tail, true);
  if (options.metrics) return print_lines(context, directory / "metrics.jsonl", options.tail, true);
  if (options.log) return print_lines(context, directory / "osiris.log", options.tail, false);
  const Json status = read_status(record);
  const auto steps = read_session_steps(directory);
  const std::string adapter =
      record.runtime_env.empty() && steps.ok() ? steps->adapter : record.runtime_env;  // Python Osiris' say nothing
  std::error_code code;
  const bool is_there = fs::exists(directory, code);
  if (context.json) {
    Json out = session_json(record, status);
    out.set("adapter", adapter.empty() ? Json() : Json(adapter));
    out.set("steps", steps.ok() ? to_json(steps->steps) : Json());
    out.set("session_exists", Json(is_there));
    out.set("status_document", status);
    out.set("record", record.to_json());
    print_json(context, out);
    return to_int(ExitCode::kOk);
  }
  std::string text = "Run: " + printable(record.run_id) + "\nPipeline: " + known(record.pipeline_slug) +
                     "\nStatus: " + known(record.status) + "\nStarted: " + known(record.run_ts) +
                     "\nAdapter: " + known(adapter) + "\n";
  if (record.duration_ms) text += "Duration: " + format_duration(static_cast<double>(record.duration_ms) / 1e3) + "\n";
  if (const std::string count = steps_text(status); !count.empty()) text += "Steps: " + count + "\n";
  if (steps.ok()) text += steps_story(steps->steps);
  if (!is_there) text += "The session was removed (osiris clean).\n";
  print_text(context, text + "Session: " + printable(directory.string()) + "/\n");
  return to_int(ExitCode::kOk);
}

int show(const CommandContext& context, const ShowOptions& options) {
  const std::string& name = options.name.empty() ? options.session : options.name;
  if (name.empty())
    return fail(context, Error(Code::kInvalidArgument, "no run is named",
                               "osiris logs show RUN; osiris logs list shows all runs"));
  const auto record = find_run(context, name);
  if (!record.ok()) return fail(context, record.error());
  return show_record(context, *record, options);
}

void add_last_options(CLI::App& command, ShowOptions& options) {
  add_show_options(command, options);
  command.remove_option(command.get_option("run"));
  command.remove_option(command.get_option("--session"));
}

int last(const CommandContext& context, const ShowOptions& options) {
  const auto record = newest_run(context);
  if (!record.ok()) return fail(context, record.error());
  return show_record(context, *record, options);
}

}  // namespace

void add_logs_commands(const CommandTable& table) {
  CLI::App* logs = table.app.add_subcommand("logs", "What a run left behind");
  logs->require_subcommand(1);
  table.add<ListOptions>("list", "List sessions, newest first", {"osiris logs list --limit 5"}, add_list_options, list,
                         logs);
  table.add<ShowOptions>("show", "Show a session",
                         {"osiris logs show 2", "osiris logs show hello/2 --events --tail 20"}, add_show_options, show,
                         logs);
  table.add<ShowOptions>("last", "Show the newest session", {"osiris logs last"}, add_last_options, last, logs);
}

}  // namespace osiris
