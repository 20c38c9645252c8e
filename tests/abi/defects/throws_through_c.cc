// Compiled as C++14, where a throwing function still converts to a slot: the exception reaches the host.
#include <stdexcept>

#include "base.h"
namespace {
osiris_status the_sin(osiris_adapter*, const osiris_request*) { throw std::runtime_error("the disk is on fire"); }
}  // namespace
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
