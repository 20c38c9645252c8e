#include "host/commands/run_annotations.h"

#include <algorithm>

#include "host/display/annotations.h"

namespace osiris {
namespace {

void annotate_step(const StepState& step, Diagnostic finding, const std::function<void(Diagnostic)>& print) {
  if (step.phase != StepPhase::kFailed) return;
  finding.type = step.category.empty() ? step.error_type : step.category;
  finding.message = "step '" + step.plan.id + "' failed: " + step.error;
  finding.hint = step.hint;
  print(std::move(finding));
}

void annotate_checks(const StepState& step, const CompiledStep* compiled, const Diagnostic& at_step,
                     const std::function<void(Diagnostic)>& print) {
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
    print(std::move(finding));
  }
}

}  // namespace

void print_annotations(const CommandContext& context, const RunReport& report, const CompiledPipeline& pipeline,
                       const std::filesystem::path& file, const Masking& masking) {
  if (!wants_annotations(context.process_environment)) return;
  const auto print = [&](Diagnostic finding) {
    finding.message = masking.text(finding.message);
    finding.hint = masking.text(finding.hint);
    print_err(context, annotation(finding, context.cwd, context.process_environment));
  };
  for (const StepState& step : report.steps) {
    const auto compiled = std::find_if(pipeline.steps.begin(), pipeline.steps.end(),
                                       [&](const CompiledStep& known) { return known.id == step.plan.id; });
    const bool is_known = compiled != pipeline.steps.end();
    Diagnostic finding;
    finding.file = file.string();
    if (is_known) finding.mark = compiled->mark;
    annotate_step(step, finding, print);
    annotate_checks(step, is_known ? &*compiled : nullptr, finding, print);
  }
}

}  // namespace osiris
