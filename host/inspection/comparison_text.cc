#include "host/inspection/comparison_text.h"

#include "host/display/format.h"
#include "host/inspection/rows_table.h"
#include "host/run/masking.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr size_t kShownMax = 20;  // differences of a kind; --json has all
constexpr size_t kValueWidthMax = 200;

std::string side_line(const char* mark, const RecordedRun& run) {
  return std::string(mark) + " " + printable(run.record.run_id) + "  " + printable(run.record.pipeline_slug) + "  " +
         printable(run.adapter) + "  " + printable(run.record.status) + "\n";
}

std::string value_text(const Json& value) {
  const std::string text = value.is_null() ? "nothing" : value.is_string() ? value.as_string() : value.dump();
  return fit(printable(mask_shapes(text)), kValueWidthMax);
}

// "Plan: the same", or what differs.
std::string section(const char* title, const std::vector<RunDifference>& differences) {
  if (differences.empty()) return std::string(title) + ": the same\n";
  std::string text = std::string(title) + ": " + counted(differences.size(), "difference") + "\n";
  for (size_t i = 0; i < differences.size() && i < kShownMax; ++i)
    text += "  " + printable(differences[i].what) + "\n    < " + value_text(differences[i].left) + "\n    > " +
            value_text(differences[i].right) + "\n";
  if (differences.size() > kShownMax)
    text += "  … and " + std::to_string(differences.size() - kShownMax) + " more: --json has them\n";
  return text;
}

std::string bytes_line(const char* mark, const std::optional<Artifact>& file) {
  return std::string("    ") + mark + " " +
         (file ? format_count(file->size_bytes) + " bytes, SHA-256 " + file->sha256.substr(0, 16) : "not written") +
         "\n";
}

std::string indented(const std::string& text) {
  std::string out;
  for (const std::string& line : split(text, '\n'))
    if (!line.empty()) out += "    " + line + "\n";
  return out;
}

std::string outputs_text(const std::vector<OutputPair>& outputs, size_t width) {
  if (outputs.empty()) return "Outputs: neither run wrote a file\n";
  size_t different = 0;
  std::string text;
  for (const OutputPair& pair : outputs) {
    if (pair.has_same_bytes() || ++different > kShownMax) continue;
    text += "  " + printable(pair.path) + " of step " + printable(pair.step_id) + "\n" + bytes_line("<", pair.left) +
            bytes_line(">", pair.right);
    if (!pair.rows.is_null()) text += indented(difference_text(pair.rows, width > 4 ? width - 4 : width));
    if (!pair.rows_not_compared.empty())
      text += "    rows are not compared: " + printable(pair.rows_not_compared) + "\n";
  }
  if (different == 0) return "Outputs: the same bytes in " + counted(outputs.size(), "file") + "\n";
  if (different > kShownMax) text += "  … and " + std::to_string(different - kShownMax) + " more: --json has them\n";
  return "Outputs: " + std::to_string(different) + " of " + counted(outputs.size(), "file") + " differ\n" + text;
}

}  // namespace

std::string comparison_text(const RunComparison& comparison, const RecordedRun& left, const RecordedRun& right,
                            size_t width) {
  return side_line("<", left) + side_line(">", right) + section("Plan", comparison.plan) +
         section("Steps", comparison.steps) + section("Events", comparison.events) +
         outputs_text(comparison.outputs, width) +
         (comparison.is_same() ? "✓ The runs are the same\n" : "✗ The runs differ\n");
}

}  // namespace osiris
