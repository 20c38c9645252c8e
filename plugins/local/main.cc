// The entry of local.so.
#include <osiris/adapter.hpp>

#include "plugins/local/adapter.h"

OSIRIS_PLUGIN(osiris::local::LocalAdapter)
