/* Tells fail one code and returns another. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_fail(self->host, OSIRIS_EXHAUSTED, "the disk is full");
  return OSIRIS_UNAVAILABLE;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
