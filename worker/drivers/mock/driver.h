// mock: a driver whose config is a menu of rows and faults, for tests of everything around drivers. It runs only when
// the worker was told to allow it. The menu is in spec.yaml.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& mock();

}  // namespace osiris::worker
