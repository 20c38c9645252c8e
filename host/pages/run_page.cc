#include "host/pages/run_page.h"

#include <algorithm>

#include "host/display/format.h"
#include "host/pages/html.h"
#include "host/pages/preview.h"
#include "host/pages/run_sections.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// A larger graph is folded: it is no picture any more that shows anything at a glance.
constexpr size_t kGraphShownSteps = 40;
constexpr size_t kGraphStepsMax = 1'500;
constexpr size_t kPreviewsMax = 20;
constexpr uint64_t kHashBytesMax = 64u << 20;  // of all previews together

std::string code(std::string_view text) { return text.empty() ? "" : "<code>" + html_text(text) + "</code>"; }

std::string step_count(const RunHistory& history) {
  const auto complete = std::count_if(history.steps.begin(), history.steps.end(),
                                      [](const SessionStep& step) { return step.status == "complete"; });
  const auto reused = std::count_if(history.steps.begin(), history.steps.end(), [](const SessionStep& step) {
    return step.status == "complete" && !step.reused_run_id.empty();
  });
  return history.steps.empty() ? ""
                               : std::to_string(complete) + " of " + std::to_string(history.steps.size()) +
                                     (reused ? ", " + std::to_string(reused) + " of them not run again" : "");
}

std::string lead(const RunHistory& history) {
  const RunRecord& record = history.record;
  const bool has_ended = record.status != "running" && record.status != "interrupted";
  const double seconds = has_ended ? static_cast<double>(record.duration_ms) / 1e3 : history.length_s;
  std::string text =
      "<p>" + html_status(record.status) + " <span class=\"muted\">" + html_text(record.run_id) + "</span></p>\n";
  if (record.status == "interrupted")
    text += "<p>Its osiris ended without an end of the run: what follows is all that was written until then.</p>\n";
  return text +
         html_facts({{"Started", html_time(record.run_ts) + " UTC"},
                     {has_ended ? "Duration" : "Until the last event", format_duration(seconds)},
                     {"Steps complete", step_count(history)},
                     {"Ran on", html_text(history.adapter +
                                          (history.adapter_version.empty() ? "" : " " + history.adapter_version))},
                     {"Profile", html_text(record.profile)},
                     {"Rows", history.rows.empty()
                                  ? ""
                                  : format_count(static_cast<uint64_t>(history.rows.back().value)) + " in all steps"},
                     {"Exit code",
                      history.status["exit_code"].is_int() ? std::to_string(history.status["exit_code"].as_int()) : ""},
                     {"Why it is no success", html_text(history.status["reason"].as_string())}});
}

std::string graph_section(const RunHistory& history) {
  if (history.graph.size() < 2) return "";
  if (history.graph.size() > kGraphStepsMax)
    return "<p>" + counted(history.graph.size(), "step") + ": too many for a picture.</p>\n";
  std::string arrows;
  size_t count = 0;
  for (const GraphStep& step : history.graph) count += step.needs.size();
  const std::string picture =
      "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"Graph of the steps\">" +
      graph_as_svg("Graph: " + counted(history.graph.size(), "step") + ", " + counted(count, "arrow") +
                       "; the table of steps names what each one reads",
                   history.graph) +
      "</div>\n";
  if (history.graph.size() <= kGraphShownSteps) return picture;
  return "<details><summary>" + counted(history.graph.size(), "step") + "</summary>\n" + picture + "</details>\n";
}

Json step_config(const RunHistory& history, const std::string& step_id) {
  const auto text = read_file(fs::path(history.record.run_logs_path) / "cfg" / (step_id + ".json"), 16u << 20);
  if (!text.ok() || step_id.find('/') != std::string::npos) return {};
  auto config = parse_json(*text);
  return config.ok() ? *std::move(config) : Json();
}

std::string preview_html(const Artifact& file, const Preview& preview) {
  const std::string heading = "<h3>" + html_text(file.path) + "</h3>\n";
  if (preview.rows.empty())
    return heading + "<p class=\"muted\">Not shown: " + html_text(preview.none_because) + ".</p>\n";
  HtmlTable table("The first " + counted(preview.rows.size(), "row") + " of " + file.path +
                      (preview.columns_left_out ? ", without " + counted(preview.columns_left_out, "more column") : ""),
                  preview.columns);
  for (const auto& row : preview.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(html_text(cell));
    table.row(cells);
  }
  return heading + table.html();
}

std::string outputs_section(const RunHistory& history, bool previews) {
  if (history.outputs.empty()) return "";
  HtmlTable table("Files that the run wrote", {"File", "Step", "Size#", "SHA-256"});
  for (const Artifact& file : history.outputs)
    table.row(
        {code(file.path), html_text(file.step_id), format_bytes(file.size_bytes), code(file.sha256.substr(0, 16))});
  std::string text = table.html();
  uint64_t hash_bytes = kHashBytesMax;
  for (size_t i = 0; previews && i < std::min(history.outputs.size(), kPreviewsMax); ++i) {
    const Artifact& file = history.outputs[i];
    text += preview_html(file, preview_of(file, step_config(history, file.step_id), hash_bytes));
    hash_bytes -= std::min(hash_bytes, file.size_bytes);
  }
  if (previews && history.outputs.size() > kPreviewsMax)
    text += "<p class=\"muted\">Rows of the first " + std::to_string(kPreviewsMax) + " files are shown.</p>\n";
  return text;
}

std::string option_text(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

std::string record_section(const RunHistory& history) {
  const RunRecord& record = history.record;
  std::string text = html_facts({{"Session", code(record.run_logs_path)},
                                 {"Manifest", code(record.manifest_hash)},
                                 {"Build", code(record.build_manifest_path)},
                                 {"Summary", code(record.aiop_path)}});
  HtmlTable options("Options of the adapter", {"Option", "Value", "From"});
  for (const auto& [name, option] : history.options.members())
    options.row({code(name), html_text(option_text(option.is_object() ? option["value"] : option)),
                 html_text(option["source"].as_string())});
  if (!options.empty())
    text += "<details><summary>Options of the adapter</summary>\n" + options.html() + "</details>\n";
  HtmlTable events("Events of the record, by name", {"Event", "Times#"});
  for (const auto& [name, count] : history.event_counts) events.row({code(name), format_count(count)});
  if (!events.empty()) text += "<details><summary>Events, by name</summary>\n" + events.html() + "</details>\n";
  return text;
}

}  // namespace

std::string run_page(const RunHistory& history, const RunPageOptions& options) {
  return html_page(history.title.empty() ? "Run" : history.title, lead(history),
                   {{"problems", "Errors and warnings", notices_section(history)},
                    {"timeline", "Timeline", timeline_section(history)},
                    {"graph", "Graph", graph_section(history)},
                    {"load", "Over time", charts_section(history)},
                    {"outputs", "Outputs", outputs_section(history, options.previews)},
                    {"resources", "What was held and what it took", resources_section(history)},
                    {"record", "The record", record_section(history)}},
                   "Made by osiris " + html_text(options.osiris_version) +
                       " from the session of the run. Times are UTC; seconds count from the first event.");
}

}  // namespace osiris
