// What a run of the worker on another machine sends there before it begins.
#pragma once

#include <osiris/sdk/worker_run.hpp>

#include <string>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/package/layout.h"
#include "plugins/sdk/package/package_contents.h"

namespace osiris::adapter_sdk {

// Sends the package, and the worker where it is not there yet. The shell script that then becomes the worker.
Result<std::string> send_package(const sdk::Host& host, const Elsewhere& where, const sdk::Layout& layout,
                                 const sdk::RunRequest& request, const sdk::PackageContents& contents);

}  // namespace osiris::adapter_sdk
