#include "host/run/junit.h"

#include <cstdio>

#include "protocol/base/xml.h"

namespace osiris {
namespace {

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

class Suite {
 public:
  Suite(std::string name, const Masking& masking) : name_(std::move(name)), masking_(masking) {}

  void passed(const std::string& name, double duration_s) { add(name, duration_s, ""); }
  void warned(const std::string& name, const std::string& message) {
    add(name, 0, "<system-out>" + text("warning: " + message) + "</system-out>");
  }
  void skipped(const std::string& name, const std::string& why) {
    ++skipped_;
    add(name, 0, "<skipped message=\"" + text(why) + "\"/>");
  }
  void failed(const std::string& name, double duration_s, const std::string& type, const std::string& message,
              const std::string& more) {
    ++failures_;
    add(name, duration_s,
        "<failure type=\"" + text(type) + "\" message=\"" + text(message) + "\">" +
            text(message + (more.empty() ? "" : "\n" + more)) + "</failure>");
  }
  void property(const std::string& name, const std::string& value) {
    properties_ += "      <property name=\"" + name + "\" value=\"" + text(value) + "\"/>\n";
  }

  size_t failures() const { return failures_; }

  std::string document(const std::string& started_at, double duration_s) const {
    const std::string counts = "tests=\"" + std::to_string(tests_) + "\" failures=\"" + std::to_string(failures_) +
                               "\" errors=\"0\" skipped=\"" + std::to_string(skipped_) + "\" time=\"" +
                               seconds(duration_s) + "\"";
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts + ">\n  <testsuite name=\"" +
           text(name_) + "\" " + counts + (started_at.empty() ? "" : " timestamp=\"" + text(started_at) + "\"") +
           ">\n" + (properties_.empty() ? "" : "    <properties>\n" + properties_ + "    </properties>\n") + cases_ +
           "  </testsuite>\n</testsuites>\n";
  }

 private:
  std::string text(const std::string& value) const { return xml_text(masking_.text(value)); }

  void add(const std::string& name, double duration_s, const std::string& result) {
    ++tests_;
    cases_ += "    <testcase classname=\"" + text(name_) + "\" name=\"" + text(name) + "\" time=\"" +
              seconds(duration_s) + "\"" + (result.empty() ? "/>\n" : ">" + result + "</testcase>\n");
  }

  const std::string name_;
  const Masking& masking_;
  size_t tests_ = 0, failures_ = 0, skipped_ = 0;
  std::string properties_, cases_;
};

// One case each, "step: check"; those of a step that did not get to them are with the step.
void add_checks(Suite& suite, const StepState& step) {
  for (const CheckResult& check : step.checks) {
    const std::string name = step.plan.id + ": " + check.name;
    if (check.passed())
      suite.passed(name, 0);
    else if (check.warned())
      suite.warned(name, check.message);
    else
      suite.failed(name, 0, "check." + check.type, check.message,
                   check.stored.empty() ? "" : "The rows are in " + check.stored);
  }
}

// One case each, "step: shard 9 (in/7.csv)".
void add_failed_shards(Suite& suite, const StepState& step) {
  for (const ShardFailure& shard : step.failed_shards)
    suite.failed(step.plan.id + ": shard " + std::to_string(shard.index) + " (" + shard.value + ")", 0,
                 shard.category.empty() ? shard.error_type : shard.category, shard.error, shard.hint);
}

void add_step(Suite& suite, const StepState& step) {
  switch (step.phase) {
    case StepPhase::kComplete:
      if (step.is_reused())
        return suite.skipped(
            step.plan.id, "not run again (rows: " + std::to_string(step.rows()) + ", of " + step.reused_run_id + ")");
      return suite.passed(step.plan.id, step.duration_s);
    case StepPhase::kFailed:
      return suite.failed(step.plan.id, step.duration_s, step.category.empty() ? step.error_type : step.category,
                          step.error, step.hint);
    case StepPhase::kSkipped:
      return suite.skipped(step.plan.id, step.cause.empty() ? "not run" : "step '" + step.cause + "' failed");
    case StepPhase::kCancelled:
      return suite.skipped(step.plan.id, "cancelled");
    case StepPhase::kWaiting:
    case StepPhase::kRunning:
      return suite.skipped(step.plan.id, "the run ended before it did");
  }
}

}  // namespace

std::string junit_document(const RunReport& report, const Masking& masking) {
  Suite suite(report.pipeline_name, masking);
  suite.property("run_id", report.run_id);
  suite.property("adapter", report.adapter);
  suite.property("profile", report.profile);
  suite.property("outcome", std::string(outcome_name(report.verdict.exit_code)));
  suite.property("session", report.session_dir.string());
  for (const StepState& step : report.steps) {
    add_step(suite, step);
    add_failed_shards(suite, step);
    add_checks(suite, step);
  }
  if (!report.verdict.ok && suite.failures() == 0)
    suite.failed("(run)", report.total_seconds, std::string(outcome_name(report.verdict.exit_code)),
                 report.error ? report.error->message : "the run did not end well",
                 report.error ? report.error->hint : "");
  return suite.document(report.started_at, report.total_seconds);
}

std::string junit_document(const std::string& pipeline, const Diagnostics& findings, const Masking& masking) {
  Suite suite(pipeline, masking);
  for (const Diagnostic& finding : findings.errors())
    suite.failed(finding.location.empty() ? pipeline : finding.location, 0, finding.type, finding.to_text(),
                 finding.hint);
  return suite.document("", 0);
}

}  // namespace osiris
