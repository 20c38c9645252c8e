// The opening of a run on another machine: where things are there.
#pragma once

#include "plugins/sdk/package/layout.h"
#include "plugins/sdk/package/package_contents.h"
#include "plugins/sdk/run/opening.h"

namespace osiris::sdk {

void place_opening(const Layout& layout, const PackageContents& contents, Opening& opening);

}  // namespace osiris::sdk
