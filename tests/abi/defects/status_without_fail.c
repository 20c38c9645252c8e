/* Returns a failure and does not say why. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  (void)self;
  return OSIRIS_UNAVAILABLE;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
