// As throws_through_c, but with a C++ runtime of its own: no handler of the host ever runs (docs: T7).
#include <stdexcept>

#include "base.h"
namespace {
osiris_status the_sin(osiris_adapter*, const osiris_request*) { throw std::runtime_error("the disk is on fire"); }
}  // namespace
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
