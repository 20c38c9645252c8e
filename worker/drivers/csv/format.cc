#include "worker/drivers/csv/format.h"

#include <string>

#include "protocol/base/text.h"

namespace osiris::worker::csv_format {
namespace {

std::string below_base_dir(const StepContext& step, std::string_view path) {
  const ConnectionFields* connection = step.connection();
  const std::filesystem::path base = connection ? connection->fields["base_dir"].as_string() : std::string();
  return (base / path).native();
}

}  // namespace

std::optional<Encoding> encoding_from_name(std::string_view name) {
  const std::string lower = ascii_lower(name);
  if (lower == "utf-8") return Encoding::kUtf8;
  if (lower == "utf-16") return Encoding::kUtf16;
  if (lower == "ascii") return Encoding::kAscii;
  if (lower == "latin-1" || lower == "iso-8859-1") return Encoding::kLatin1;
  return std::nullopt;
}

std::filesystem::path input_file(const StepContext& step, std::string_view path) {
  const PlannedPath file = step.input_file(path);
  return file.is_planned ? file.absolute : step.input_file(below_base_dir(step, path)).absolute;
}

std::filesystem::path output_file(const StepContext& step, std::string_view path) {
  const PlannedPath file = step.output_file(path);
  return file.is_planned ? file.absolute : step.output_file(below_base_dir(step, path)).absolute;
}

}  // namespace osiris::worker::csv_format
