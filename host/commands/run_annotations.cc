#include "host/commands/run_annotations.h"

#include <algorithm>

#include "host/display/annotations.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

void find_failure(const StepState& step, Diagnostic finding, const std::function<void(Diagnostic)>& add) {
  if (step.phase != StepPhase::kFailed) return;
  finding.type = step.category.empty() ? step.error_type : step.category;
  finding.message = "step '" + step.plan.id + "' failed: " + step.error;
  finding.hint = step.hint;
  add(std::move(finding));
}

void find_checks(const StepState& step, const CompiledStep* compiled, const Diagnostic& at_step,
                 const std::function<void(Diagnostic)>& add) {
  for (const CheckResult& check : step.checks) {
    if (check.passed()) continue;
    Diagnostic finding = at_step;
    finding.level = check.warned() ? Diagnostic::Level::kWarning : Diagnostic::Level::kError;
    finding.type = "check." + check.type;
    finding.message = "step '" + step.plan.id + "': check " + check.name + ": " + check.message;
    if (!check.stored.empty()) finding.hint = "the rows are in " + check.stored;
    if (compiled)
      for (const CompiledCheck& each : compiled->checks)
        if (each.check.name == check.name) finding.mark = each.mark;
    add(std::move(finding));
  }
}

}  // namespace

std::vector<Diagnostic> findings_of_run(const RunReport& report, const CompiledPipeline& pipeline,
                                        const std::filesystem::path& file, const Masking& masking) {
  std::vector<Diagnostic> findings;
  const auto add = [&](Diagnostic finding) { findings.push_back(std::move(finding)); };
  for (const StepState& step : report.steps) {
    const auto compiled = std::find_if(pipeline.steps.begin(), pipeline.steps.end(),
                                       [&](const CompiledStep& known) { return known.id == step.plan.id; });
    const bool is_known = compiled != pipeline.steps.end();
    Diagnostic finding;
    finding.file = file.string();
    if (is_known) finding.mark = compiled->mark;
    find_failure(step, finding, add);
    find_checks(step, is_known ? &*compiled : nullptr, finding, add);
  }
  return masked(std::move(findings), masking);
}

std::vector<Diagnostic> masked(std::vector<Diagnostic> findings, const Masking& masking) {
  for (Diagnostic& finding : findings) {
    finding.message = masking.text(finding.message);
    finding.hint = masking.text(finding.hint);
  }
  return findings;
}

void print_annotations(const CommandContext& context, const std::vector<Diagnostic>& findings) {
  if (!wants_annotations(context.process_environment)) return;
  for (const Diagnostic& finding : findings)
    print_err(context, annotation(finding, context.cwd, context.process_environment));
}

Status write_reports(const CommandContext& context, const std::vector<ReportFile>& files, const ReportTexts& texts) {
  for (const ReportFile& report : files) {
    const std::filesystem::path file = context.cwd / report.file;
    OSIRIS_TRY(make_directories(file.parent_path()));
    OSIRIS_TRY(write_file_atomically(
        file,
        report.form == "junit" ? texts.junit : code_quality(texts.findings, context.cwd, context.process_environment)));
  }
  return {};
}

}  // namespace osiris
