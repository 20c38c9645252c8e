#include "host/commands/run_output.h"

#include <set>
#include <vector>

#include "host/display/format.h"
#include "host/display/step_lines.h"
#include "host/run/run_cost.h"
#include "protocol/base/copy_file.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInTheLog = "the session's events.jsonl has all";

// Where an output goes below --out. What is not below the project goes by its name, or by the step's and as much of its
// path as tells it from the others: `year=2024/data_0.parquet` and `year=2025/data_0.parquet` are two files.
fs::path copy_path(const fs::path& path, const std::string& step_id, std::set<fs::path>& taken) {
  const fs::path normal = path.lexically_normal();
  const bool inside = normal.is_relative() && !normal.empty() && *normal.begin() != "..";
  std::vector<fs::path> names;
  for (const fs::path& name : normal.relative_path())
    if (name != "..") names.push_back(name);
  fs::path place = inside ? normal : normal.filename(), tail;
  for (auto name = names.rbegin(); !taken.insert(place).second && name != names.rend(); ++name) {
    tail = tail.empty() ? *name : *name / tail;
    place = fs::path(step_id) / tail;
  }
  return place;
}

// What is at `to` and is no regular file or directory of its own is taken away: a copy must not go where a link leads.
Status clear_the_way(const fs::path& to) {
  std::error_code code;
  const fs::file_type type = fs::symlink_status(to, code).type();
  if (type == fs::file_type::not_found || type == fs::file_type::none || type == fs::file_type::regular ||
      type == fs::file_type::directory)
    return {};
  fs::remove(to, code);
  if (code) return errno_error(code.value(), "cannot replace", to);
  return {};
}

Status copy_one(const fs::path& from, const fs::path& to) {
  OSIRIS_TRY(make_directories(to.parent_path()));
  std::error_code code;
  if (fs::equivalent(from, to, code)) return {};
  OSIRIS_TRY(clear_the_way(to));
  return copy_whole_file(from, to);
}

Status copy_link(const fs::path& from, const fs::path& to) {
  std::error_code code;
  if (fs::is_regular_file(fs::symlink_status(to, code))) fs::remove(to, code);
  OSIRIS_TRY(clear_the_way(to));
  fs::copy_symlink(from, to, code);
  if (code) return errno_error(code.value(), "cannot copy the link " + from.string() + " to", to);
  return {};
}

// Files, directories and, as what they are, links; anything else is left out and named.
Status copy_tree(const fs::path& from, const fs::path& to, std::vector<std::string>& left_out) {
  OSIRIS_TRY(make_directories(to));
  std::error_code code;
  for (fs::directory_iterator entry(from, code), end; !code && entry != end; entry.increment(code)) {
    const fs::path& path = entry->path();
    const fs::path place = to / path.filename();
    switch (fs::symlink_status(path, code).type()) {
      case fs::file_type::directory:
        OSIRIS_TRY(clear_the_way(place));
        OSIRIS_TRY(copy_tree(path, place, left_out));
        break;
      case fs::file_type::regular:
        OSIRIS_TRY(copy_one(path, place));
        break;
      case fs::file_type::symlink:
        OSIRIS_TRY(copy_link(path, place));
        break;
      default:
        left_out.push_back("--out leaves out " + path.string() + ": it is neither a file, a directory nor a link");
        break;
    }
  }
  if (code) return errno_error(code.value(), "cannot list", from);
  return {};
}

// "failed", "timed out"; a run that came to the end of its budget had all the time there was.
std::string ended_text(const RunReport& report) {
  return report.verdict.reason == "budget" ? "ended by its budget"
                                           : std::string(outcome_text(report.verdict.exit_code));
}

// Each step that failed for a reason of its own, beside the one that the run's error is about.
std::string other_failures(const CommandContext& context, const RunReport& report, const Masking& masking) {
  std::string text;
  for (const StepState& step : report.steps) {
    if (step.phase != StepPhase::kFailed || step.error.empty()) continue;
    if (report.error->message.find(step.error) != std::string::npos) continue;
    text += error_text(context, masking.text("step " + step.plan.id + ": " + step.error), masking.text(step.hint),
                       kInTheLog);
  }
  return text;
}

}  // namespace

void print_report(const CommandContext& context, const RunReport& report, const Masking& masking,
                  const std::string& note) {
  if (context.json) {
    Json document = result_document(report, masking);
    document.set("project", context.place.is_project ? Json(context.place.directory.string()) : Json());
    print_json(context, document);
  } else {
    const bool color = context.out.color;
    std::string text;
    if (context.out.interactive && !report.steps.empty())
      text += "\n" + summary_table(report.steps, context.out.width(), color) + "\n";
    const std::string line = summary_line(report.steps, report.total_rows, report.total_seconds);
    if (report.verdict.ok)
      text += paint("✓ Pipeline completed (" + report.adapter + ")", Color::kGreen, color) + "  " + line + "\n";
    else
      text += paint("✗ Pipeline " + ended_text(report) + " (" + report.adapter + ")", Color::kRed, color) +
              (report.steps.empty() ? "" : "  " + line) + "\n";
    const std::string cost = cost_text(report.cost);
    print_news(context, text + printable(describe_released(report.released), true) +
                            (cost.empty() ? "" : "  cost: " + printable(masking.text(cost)) + "\n"));
  }
  if (!note.empty()) print_news(context, printable(note) + "\n");
  // The session line goes last, whatever else there is to say: scripts read it.
  std::string errors;
  if (report.error && report.phase != "compile") {
    errors = error_text(context, masking.text(report.error->message), masking.text(report.error->hint), kInTheLog);
    errors += other_failures(context, report, masking);
  }
  if (!context.json)
    for (const std::string& warning : report.warnings)
      errors += "⚠️  " + printable(excerpt(masking.text(warning), kInTheLog)) + "\n";
  errors += printable(describe_unreleased(report.unreleased, report.adapter), true);
  print_err(context, errors);
  print_session(context, report.session_dir);
}

void print_session(const CommandContext& context, const fs::path& directory) {
  if (!context.place.is_project)
    print_news(context,
               "No osiris.yaml here or above: the record is kept with your own files (osiris init makes a "
               "project).\n");
  print_news(context, "Session: " + printable(directory.string()) + "/\n");
}

Status copy_out(RunReport& report, const fs::path& directory) {
  std::set<fs::path> taken;
  for (const Artifact& file : report.outputs)
    OSIRIS_TRY(copy_one(file.target, directory / copy_path(file.path, file.step_id, taken)));
  return copy_tree(report.session_dir / "artifacts", directory / "artifacts", report.warnings);
}

}  // namespace osiris
