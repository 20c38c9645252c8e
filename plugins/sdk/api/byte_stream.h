// An adapter's file that comes back, as the sdk reads one.
#pragma once

#include <osiris/sdk/files.hpp>

#include <functional>
#include <memory>

#include "plugins/sdk/channel/remote_process.h"

namespace osiris::adapter_sdk {

// Opened with the first read, whose error what `open` throws becomes.
std::unique_ptr<sdk::ByteStream> byte_stream(std::function<std::unique_ptr<ByteSource>()> open);

}  // namespace osiris::adapter_sdk
