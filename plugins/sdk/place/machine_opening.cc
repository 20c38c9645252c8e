#include "plugins/sdk/place/machine_opening.h"

namespace osiris::sdk {

void place_opening(const Layout& layout, const PackageContents& contents, Opening& opening) {
  opening.prepare.session_dir = layout.session();
  opening.prepare.plan = Json();
  opening.prepare.plan_path = contents.plan_path;
  opening.prepare.package = contents.package;
  opening.prepare.path_map = contents.path_map;
  opening.pack_path = layout.artifacts();
}

}  // namespace osiris::sdk
