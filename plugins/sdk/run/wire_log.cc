#include "plugins/sdk/run/wire_log.h"

#include <algorithm>
#include <string>

#include "protocol/base/clock.h"

namespace osiris::sdk {

Status WireLog::open(const std::filesystem::path& path) {
  OSIRIS_TRY(make_directories(path.parent_path()));
  OSIRIS_ASSIGN(file_, LineFile::open(path));
  return {};
}

void WireLog::mask(const Json& values) {
  if (!file_) return;
  for (const auto& [name, value] : values.members()) redactor_.add(value.as_string());
}

void WireLog::line(char direction, std::string_view text) {
  if (!file_) return;
  std::string line = format_iso8601_micros(system_clock().unix_ns(), true) + " " + direction + " ";
  line += redactor_.redact(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  if (!file_->append(line)) file_.reset();
}

Json masked_values(const Json& values) {
  Json masked = Json::object();
  for (const auto& [name, value] : values.members()) masked.set(name, kMasked);
  return masked;
}

}  // namespace osiris::sdk
