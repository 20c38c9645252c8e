#include "host/run/secrets.h"

namespace osiris {

void SecretStore::add(std::string_view name, SecretString value) {
  masking_.learn(value.view());
  std::lock_guard lock(mutex_);
  values_[std::string(name)] = std::move(value);
}

Status SecretStore::lend(std::string_view name, const std::function<void(std::string_view)>& use) const {
  SecretString lent;
  {
    std::lock_guard lock(mutex_);
    const auto at = values_.find(name);
    if (at == values_.end())
      return Error(Code::kNotFound, "secret '" + std::string(name) + "' is not part of this run",
                   "an adapter may ask for the secrets it declares and the names its request lists");
    lent = at->second.copy();
  }
  use(lent.view());
  return {};
}

std::vector<std::string> SecretStore::names() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  return names;
}

}  // namespace osiris
