// The entry of local.so.
#include <osiris/adapter.hpp>

#include "plugins/local/adapter.h"

OSIRIS_PLUGIN(osiris::local::LocalAdapter)
OSIRIS_LIBRARY_INFO("local", OSIRIS_VERSION, "gcc " __VERSION__)
