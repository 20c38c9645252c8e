#include "plugins/sdk/place/journal.h"

#include "protocol/base/clock.h"

namespace osiris::sdk {

Result<Journal> Journal::open(const std::filesystem::path& path) {
  OSIRIS_TRY(make_directories(path.parent_path()));
  OSIRIS_ASSIGN(LineFile file, LineFile::open(path));
  return Journal(std::move(file));
}

Status Journal::write(std::string_view action, Json fields) {
  Json line = Json::object({{"time_ns", system_clock().unix_ns()}, {"action", action}});
  for (auto& [key, value] : fields.members()) line.set(key, std::move(value));
  OSIRIS_TRY(file_.append(line.dump()));
  return file_.sync();
}

}  // namespace osiris::sdk
