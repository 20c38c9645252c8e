#include "plugins/sdk/abi/shown_options.h"

#include <algorithm>

#include "protocol/base/redact.h"

namespace osiris::sdk {

std::vector<std::pair<std::string, std::string>> shown_options(std::span<const osiris_option> options,
                                                               const std::vector<plugin::Setting>& settings) {
  std::vector<std::pair<std::string, std::string>> shown;
  for (const plugin::Setting& setting : settings) {
    const bool is_sensitive = std::any_of(options.begin(), options.end(), [&](const osiris_option& option) {
      return plugin::to_view(option.name) == setting.name && (option.flags & OSIRIS_SENSITIVE) != 0;
    });
    if (!is_sensitive) shown.emplace_back(setting.name, mask_authority_password(setting.value));
  }
  return shown;
}

}  // namespace osiris::sdk
