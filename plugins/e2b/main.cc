// The adapter `e2b` as a library for <osiris/adapter.h>.
#include <osiris/adapter.hpp>

#include "plugins/e2b/adapter.h"

OSIRIS_PLUGIN(osiris::e2b::E2bAdapter)
OSIRIS_LIBRARY_INFO("e2b", OSIRIS_VERSION, "gcc " __VERSION__)
