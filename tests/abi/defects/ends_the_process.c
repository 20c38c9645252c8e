/* Calls abort() instead of returning a status. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)self;
  (void)request;
  abort();
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
