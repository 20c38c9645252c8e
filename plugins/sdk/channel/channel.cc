#include "plugins/sdk/channel/channel.h"

#include "protocol/base/subprocess.h"

namespace osiris::sdk {

std::string ExitInfo::describe() const {
  switch (kind) {
    case Kind::kExited:
      return ExitStatus{false, status}.describe();
    case Kind::kSignaled:
      return ExitStatus{true, status}.describe();
    case Kind::kLost:
      break;
  }
  return "is gone";
}

}  // namespace osiris::sdk
