// Throws inside a noexcept function: the process cannot be saved, but it can say who it was.
#include <stdexcept>

#include "base.h"
namespace {
void burn() { throw std::runtime_error("the disk is on fire"); }
osiris_status the_sin(osiris_adapter*, const osiris_request*) noexcept {
  burn();
  return OSIRIS_OK;
}
}  // namespace
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
