#include "host/pages/run_sections.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "host/display/format.h"
#include "host/pages/html.h"
#include "host/run/run_cost.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr size_t kSamplesShown = 300;
// What one text may take of the page, in bytes: an error can hold a whole document.
constexpr size_t kTextBytesMax = 4'000;
constexpr const char* kWhole = "the session's events.jsonl has all";

std::string seconds_text(double seconds) { return format_duration(seconds); }

std::string paragraphs(std::string_view text) {
  std::string out;
  for (const std::string& line : split(excerpt(text.substr(0, kTextBytesMax), kWhole), '\n'))
    if (!trim(line).empty()) out += "<p>" + html_text(line) + "</p>";
  return out;
}

std::string notice_html(const RunNotice& notice) {
  std::string where = notice.step_id.empty() ? "" : " in step <code>" + html_text(notice.step_id) + "</code>";
  if (notice.count > 1) where += ", " + format_count(notice.count) + " times";
  std::string text = std::string("<div class=\"notice") + (notice.is_error ? " bad" : "") + "\"><p>" +
                     html_status(notice.is_error ? "error" : "warning") + where +
                     (notice.category.empty() ? "" : " <code>" + html_text(notice.category) + "</code>") + "</p>" +
                     paragraphs(notice.message);
  if (!notice.hint.empty()) text += "<p><b>Hint:</b> " + html_text(excerpt(notice.hint, kWhole)) + "</p>";
  return text + "</div>\n";
}

std::string phases_table(const RunHistory& history) {
  if (history.phases.empty()) return "";
  HtmlTable table("What the run did beside its steps", {"Phase", "When", "Begins#", "Takes#", "What"});
  for (const RunPhase& phase : history.phases)
    table.row({html_text(phase.name),
               html_bar(phase.start_s, phase.end_s, history.length_s, phase.has_ended ? "phase" : "interrupted"),
               seconds_text(phase.start_s), phase.has_ended ? seconds_text(phase.end_s - phase.start_s) : "did not end",
               html_text(excerpt(phase.detail, kWhole))});
  return table.html();
}

std::string needs_text(const RunHistory& history, size_t index) {
  if (index >= history.graph.size()) return "";
  constexpr size_t kNamed = 5;
  const std::vector<std::string>& needs = history.graph[index].needs;
  std::vector<std::string> named(needs.begin(), needs.begin() + static_cast<ptrdiff_t>(std::min(needs.size(), kNamed)));
  return html_text(join(named, ", ")) +
         (needs.size() > kNamed ? " and " + std::to_string(needs.size() - kNamed) + " more" : "");
}

bool is_reused(const SessionStep& step) { return step.status == "complete" && !step.reused_run_id.empty(); }

std::string step_note(const SessionStep& step) {
  if (is_reused(step)) return "of " + html_text(step.reused_run_id);
  if (step.status == "skipped") return step.cause.empty() ? "" : "because of " + html_text(step.cause);
  return step.attempts > 1 ? std::to_string(step.attempts) + " attempts" : "";
}

std::string steps_table(const RunHistory& history) {
  if (history.steps.empty()) return "";
  HtmlTable table("Steps", {"Step", "Status", "When", "Begins#", "Takes#", "Rows#", "Component", "Reads", "Note"});
  for (size_t i = 0; i < history.steps.size(); ++i) {
    const SessionStep& step = history.steps[i];
    const bool has_begun = !step.started.empty() && !is_reused(step);
    const double start_s = history.seconds_at(step.started);
    const double end_s = step.ended.empty() ? history.length_s : std::max(start_s, history.seconds_at(step.ended));
    const bool is_open = has_begun && step.ended.empty();
    table.row({html_text(step.id),
               html_status(is_reused(step)                                 ? "not run again"
                           : is_open && history.record.status != "running" ? "did not end"
                                                                           : step.status),
               has_begun ? html_bar(start_s, end_s, history.length_s, step.status) : "",
               has_begun ? seconds_text(start_s) : "–",
               is_reused(step)         ? "–"
               : step.duration_s       ? seconds_text(*step.duration_s)
               : has_begun && !is_open ? seconds_text(end_s - start_s)
                                       : "–",
               step.rows ? format_count(*step.rows) : "–",
               html_text(i < history.graph.size() ? history.graph[i].component : step.driver), needs_text(history, i),
               step_note(step)});
  }
  return table.html();
}

std::string failed_shards_table(const RunHistory& history) {
  constexpr size_t kShownMax = 200;
  HtmlTable table("Shards that failed", {"Step", "Shard", "Error"});
  size_t count = 0;
  for (const SessionStep& step : history.steps)
    for (const SessionStep::FailedShard& shard : step.failed_shards)
      if (count++ < kShownMax)
        table.row(
            {html_text(step.id), html_text(excerpt(shard.shown, kWhole)), html_text(excerpt(shard.error, kWhole))});
  if (count == 0) return "";
  return table.html() + (count > kShownMax ? "<p class=\"muted\">" + counted(count - kShownMax, "more shard") +
                                                 " failed: the session's files have all.</p>\n"
                                           : "");
}

std::string chart(const RunHistory& history, const std::string& title, const std::vector<Sample>& samples,
                  const std::function<std::string(double)>& spoken) {
  if (samples.size() < 2) return "";
  const auto by_value = [](const Sample& a, const Sample& b) { return a.value < b.value; };
  const Sample top = *std::max_element(samples.begin(), samples.end(), by_value);
  return html_chart(
      {title,
       "from " + spoken(samples.front().value) + " to " + spoken(samples.back().value) + ", at most " +
           spoken(top.value) + " after " + seconds_text(top.at_s) + " of " + seconds_text(history.length_s),
       "at most " + spoken(top.value), seconds_text(samples.front().at_s), seconds_text(samples.back().at_s)},
      thinned(samples, kSamplesShown));
}

// A count that grows from nothing, at the beginning of the run.
std::vector<Sample> from_zero(std::vector<Sample> samples) {
  if (!samples.empty()) samples.insert(samples.begin(), Sample{0, 0});
  return samples;
}

std::string cores_text(double cores) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f cores", cores);
  return text;
}

std::string resource_status(const HeldResource& held) {
  if (held.is_kept) return "kept";
  if (!held.released_s) return "not released";
  return held.is_verified ? "released" : "not verified";
}

std::string total(const RunHistory& history, const char* metric, const std::function<std::string(double)>& spoken) {
  const auto found = history.totals.find(metric);
  return found == history.totals.end() ? "" : spoken(found->second);
}

std::string most(const std::vector<Sample>& samples, const std::function<std::string(double)>& spoken) {
  if (samples.empty()) return "";
  return spoken(std::max_element(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
                  return a.value < b.value;
                })->value);
}

std::string bytes_text(double bytes) { return format_bytes(static_cast<uint64_t>(std::max(0.0, bytes))); }
std::string count_text(double count) { return format_count(static_cast<uint64_t>(std::max(0.0, count))); }
std::string ms_text(double ms) { return format_duration(ms / 1e3); }

}  // namespace

std::string notices_section(const RunHistory& history) {
  std::string text;
  for (const RunNotice& notice : history.notices) text += notice_html(notice);
  if (history.notices_left_out)
    text += "<p class=\"muted\">" + counted(history.notices_left_out, "more warning") +
            ": the session's files have all.</p>\n";
  return text;
}

std::string timeline_section(const RunHistory& history) {
  return steps_table(history) + failed_shards_table(history) + phases_table(history);
}

std::string charts_section(const RunHistory& history) {
  const std::string charts =
      chart(history, "Rows done by steps", from_zero(history.rows), count_text) +
      chart(history, "Bytes of output files", from_zero(history.bytes), bytes_text) +
      chart(history, "Memory of the worker", history.memory_bytes, bytes_text) +
      chart(history, "Spilled to disk", history.spill_bytes, bytes_text) +
      chart(history, "Processor", rates(history.cpu_ms), [](double ms_per_s) { return cores_text(ms_per_s / 1e3); });
  return charts.empty() ? "" : "<div class=\"charts\">\n" + charts + "</div>\n";
}

std::string resources_section(const RunHistory& history) {
  HtmlTable table("What the adapter acquired for this run", {"Kind", "Id", "State", "Acquired#", "Held#", "Expires"});
  for (const HeldResource& held : history.resources)
    table.row({html_text(held.kind), "<code>" + html_text(held.id) + "</code>", html_status(resource_status(held)),
               seconds_text(held.acquired_s),
               seconds_text(std::max(0.0, held.released_s.value_or(history.length_s) - held.acquired_s)),
               html_text(held.expires)});
  std::string text = table.empty() ? "" : table.html();
  for (const HeldResource& held : history.resources)
    if (!held.released_s && !held.is_kept && !held.cleanup.empty())
      text += "<p><b>Hint:</b> " + html_text(held.cleanup) + "</p>\n";
  return text + html_facts({{"Most memory", most(history.memory_bytes, bytes_text)},
                            {"Most spilled to disk", most(history.spill_bytes, bytes_text)},
                            {"Processor time", total(history, "worker_cpu_ms", ms_text)},
                            {"Cost", html_text(cost_text(history.record.extra["cost"]))},
                            {"Requests to the service", total(history, "remote_calls", count_text)},
                            {"Brought back", total(history, "artifacts_bytes_total", bytes_text)}});
}

}  // namespace osiris
