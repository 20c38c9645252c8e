#include "host/pages/runs_page.h"

#include <algorithm>
#include <map>

#include "host/display/format.h"
#include "host/pages/html.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kRunsListed = 1'000;
constexpr size_t kBarsPerPipeline = 60;
constexpr size_t kPipelinesDrawn = 50;

bool is_failure(const RunRecord& record) { return record.status != "success" && record.status != "running"; }
double seconds_of(const RunRecord& record) { return static_cast<double>(record.duration_ms) / 1e3; }

struct PipelineRuns {
  std::vector<const RunRecord*> runs;  // newest first
  size_t failures() const {
    return static_cast<size_t>(
        std::count_if(runs.begin(), runs.end(), [](const RunRecord* run) { return is_failure(*run); }));
  }
  // Of the runs that succeeded; 0: none did.
  double duration_s(double part) const {
    std::vector<double> seconds;
    for (const RunRecord* run : runs)
      if (run->status == "success") seconds.push_back(seconds_of(*run));
    if (seconds.empty()) return 0;
    const auto at = seconds.begin() + static_cast<ptrdiff_t>(static_cast<double>(seconds.size() - 1) * part);
    std::nth_element(seconds.begin(), at, seconds.end());
    return *at;
  }
};

// The page of a run as a link, where there is one.
std::string run_link(const RunRecord& record, const fs::path& from) {
  const std::string name = html_text(record.run_id);
  std::error_code code;
  const fs::path page = page_of_run(record);
  if (record.run_logs_path.empty() || !fs::is_regular_file(page, code)) return name;
  std::vector<std::string> parts;
  for (const fs::path& part : page.lexically_relative(from)) parts.push_back(percent_encode(part.string()));
  return "<a href=\"" + join(parts, "/") + "\">" + name + "</a>";
}

std::string duration_text(const RunRecord& record) {
  return record.status == "running" || record.status == "interrupted" ? "–" : format_duration(seconds_of(record));
}

// The last runs of a pipeline, oldest left: how long each took, and which did not succeed.
std::string durations_picture(const std::string& pipeline, const PipelineRuns& runs) {
  const size_t count = std::min(runs.runs.size(), kBarsPerPipeline);
  if (count < 2) return "";
  double longest_s = 0;
  for (size_t i = 0; i < count; ++i) longest_s = std::max(longest_s, seconds_of(*runs.runs[i]));
  std::string bars;
  for (size_t i = 0; i < count; ++i) {
    const RunRecord& run = *runs.runs[count - 1 - i];
    const int height = longest_s > 0 ? std::max(2, static_cast<int>(seconds_of(run) / longest_s * 60)) : 2;
    bars += std::string("<rect class=\"") +
            (run.status == "success" ? "good"
             : is_failure(run)       ? "bad"
                                     : "live") +
            "\" x=\"" + std::to_string(i * 10 + 1) + "\" y=\"" + std::to_string(60 - height) +
            "\" width=\"8\" height=\"" + std::to_string(height) + "\"/>";
  }
  size_t failures = 0;
  for (size_t i = 0; i < count; ++i) failures += is_failure(*runs.runs[i]);
  const std::string what = pipeline + ": the last " + counted(count, "run") + ", " + std::to_string(failures) +
                           " of them not successful, the longest " + format_duration(longest_s);
  return "<figure class=\"chart bars\"><figcaption><b>" + html_text(pipeline) + "</b> <span>at most " +
         format_duration(longest_s) + "</span></figcaption><svg role=\"img\" aria-label=\"" + html_text(what) +
         "\" viewBox=\"0 0 " + std::to_string(count * 10) + " 60\" preserveAspectRatio=\"none\">" + bars +
         "</svg></figure>\n";
}

std::string pipelines_section(const std::map<std::string, PipelineRuns>& pipelines) {
  HtmlTable table("Pipelines", {"Pipeline", "Last status", "Last run", "Runs#", "Not successful#", "Half take at most#",
                                "Nine of ten take at most#"});
  for (const auto& [name, runs] : pipelines) {
    const double half = runs.duration_s(0.5), most = runs.duration_s(0.9);
    table.row({html_text(name), html_status(runs.runs.front()->status), html_time(runs.runs.front()->run_ts),
               format_count(runs.runs.size()), format_count(runs.failures()), half > 0 ? format_duration(half) : "–",
               most > 0 ? format_duration(most) : "–"});
  }
  return table.empty() ? "<p>No runs yet.</p>\n" : table.html();
}

std::string durations_section(const std::map<std::string, PipelineRuns>& pipelines) {
  std::string pictures;
  size_t drawn = 0;
  for (const auto& [name, runs] : pipelines)
    if (drawn++ < kPipelinesDrawn) pictures += durations_picture(name, runs);
  return pictures.empty() ? "" : "<div class=\"charts\">\n" + pictures + "</div>\n";
}

std::string runs_section(const std::vector<RunRecord>& records, const fs::path& from, bool only_failures) {
  HtmlTable table(only_failures ? "Runs that did not succeed, newest first" : "Runs, newest first",
                  {"Run", "Status", "Pipeline", "Profile", "Adapter", "Started (UTC)", "Took#"});
  size_t listed = 0, left_out = 0;
  for (const RunRecord& record : records) {
    if (only_failures && !is_failure(record)) continue;
    if (++listed > kRunsListed) {
      ++left_out;
      continue;
    }
    table.row({run_link(record, from), html_status(record.status), html_text(record.pipeline_slug),
               html_text(record.profile), html_text(record.runtime_env), html_time(record.run_ts),
               duration_text(record)});
  }
  if (table.empty()) return "";
  return table.html() + (left_out ? "<p class=\"muted\">" + counted(left_out, "older run") +
                                        " not listed: osiris runs list --limit 0</p>\n"
                                  : "");
}

}  // namespace

std::filesystem::path page_of_run(const RunRecord& record) { return fs::path(record.run_logs_path) / "report.html"; }

std::string runs_page(const std::vector<RunRecord>& records, const RunsPageOptions& options) {
  std::map<std::string, PipelineRuns> pipelines;
  for (const RunRecord& record : records) pipelines[record.pipeline_slug].runs.push_back(&record);
  const auto failures = static_cast<uint64_t>(std::count_if(records.begin(), records.end(), is_failure));
  const std::string lead = html_facts({{"Project", html_text(options.project)},
                                       {"Pipelines", format_count(pipelines.size())},
                                       {"Runs", format_count(records.size())},
                                       {"Not successful", format_count(failures)},
                                       {"Newest", records.empty() ? "" : html_time(records.front().run_ts) + " UTC"}});
  return html_page("Runs", lead,
                   {{"pipelines", "Pipelines", pipelines_section(pipelines)},
                    {"durations", "How long they took", durations_section(pipelines)},
                    {"failures", "What did not succeed", runs_section(records, options.directory, true)},
                    {"runs", "All runs", runs_section(records, options.directory, false)}},
                   "Made by osiris " + html_text(options.osiris_version) +
                       " from the index of runs. A run links to its own page where osiris report has made one.");
}

}  // namespace osiris
