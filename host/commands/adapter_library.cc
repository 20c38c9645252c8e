#include "host/commands/adapter_library.h"

#include "host/adapters/discovery.h"
#include "host/adapters/module_check.h"

namespace osiris {

namespace fs = std::filesystem;

Result<fs::path> library_argument(const CommandContext& context, const std::string& text,
                                  const std::vector<std::string>& directories) {
  const fs::path file = (context.cwd / text).lexically_normal();
  std::error_code error;
  if (fs::exists(file, error)) return file;
  if (!is_adapter_id(text))
    return Error(Code::kNotFound, "there is no file " + file.string(),
                 "name a library (.so), or an adapter that `osiris adapters list` shows");
  std::vector<fs::path> places;
  for (const std::string& directory : directories) places.push_back((context.cwd / directory).lexically_normal());
  OSIRIS_ASSIGN(const AdapterManifest manifest,
                find_adapter(text, search_directories(process_search_inputs(std::move(places)))));
  return manifest.library;
}

}  // namespace osiris
