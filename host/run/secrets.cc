#include "host/run/secrets.h"

#include "protocol/base/wipe.h"

namespace osiris {

SecretStore::~SecretStore() {
  for (auto& [name, value] : values_) wipe(value);
}

void SecretStore::add(std::string_view name, std::string_view value) {
  masking_.learn(value);
  std::lock_guard lock(mutex_);
  std::string& slot = values_[std::string(name)];
  wipe(slot);
  slot = std::string(value);
}

Status SecretStore::lend(std::string_view name, const std::function<void(std::string_view)>& use) const {
  std::string copy;
  {
    std::lock_guard lock(mutex_);
    const auto at = values_.find(name);
    if (at == values_.end())
      return Error(Code::kNotFound, "secret '" + std::string(name) + "' is not part of this run",
                   "an adapter may ask for the secrets it declares and the names its request lists");
    copy = at->second;
  }
  use(copy);
  wipe(copy);
  return {};
}

std::vector<std::string> SecretStore::names() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  return names;
}

}  // namespace osiris
