#include "worker/drivers/files/beside.h"

#include <string>

#include "protocol/base/copy_file.h"
#include "worker/drivers/files/places.h"

namespace osiris::worker::files {

Result<std::filesystem::path> with_companion(const StepContext& step, std::string_view path, std::string_view suffix,
                                             std::string_view kind) {
  const std::filesystem::path file = input_file(step, path);
  OSIRIS_TRY(check_input(step, file, kind));
  const PlannedPath companion = step.input_file(std::string(path) + std::string(suffix));
  if (!companion.is_planned || companion.absolute == file.native() + std::string(suffix)) return file;
  std::error_code code;
  if (!std::filesystem::exists(companion.absolute, code)) return file;
  const std::filesystem::path copy = step.scratch_dir() / file.filename();
  OSIRIS_TRY(copy_whole_file(file, copy));
  OSIRIS_TRY(copy_whole_file(companion.absolute, copy.native() + std::string(suffix)));
  return copy;
}

}  // namespace osiris::worker::files
