// What every adapter with a remote place lets the user choose, beside its own options.
#pragma once

#include <osiris/sdk/remote_adapter.hpp>

namespace osiris::sdk {

using adapter_sdk::RemoteSettings;

}  // namespace osiris::sdk
