#include "protocol/base/own_environment.h"

#include <unistd.h>

#include <string_view>

namespace osiris {

std::vector<std::pair<std::string, std::string>> own_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** each = environ; *each; ++each) {
    const std::string_view text = *each;
    if (const size_t equals = text.find('='); equals != text.npos)
      variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace osiris
