#include "worker/drivers/python/requirements.h"

#include <algorithm>
#include <cctype>

#include "worker/drivers/program/contract.h"

namespace osiris::worker::python {

using program::bad_config;

Result<std::vector<std::string>> read_requirements(const Json& list) {
  std::vector<std::string> requirements;
  for (const Json& item : list.items()) {
    const std::string& text = item.as_string();
    if (text.empty() || !std::isalnum(static_cast<unsigned char>(text[0])) ||
        text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
      return bad_config(
          "requirements", "holds '" + text.substr(0, 80) + "', which names no package",
          "Write what pip installs, one package an item: pandas==2.0.0. Options of pip go into PIP_* variables.");
    requirements.push_back(text);
  }
  std::sort(requirements.begin(), requirements.end());
  requirements.erase(std::unique(requirements.begin(), requirements.end()), requirements.end());
  return requirements;
}

}  // namespace osiris::worker::python
