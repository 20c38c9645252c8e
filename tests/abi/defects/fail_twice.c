/* Gives two reasons. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_fail(self->host, OSIRIS_EXHAUSTED, "the disk is full");
  tell_fail(self->host, OSIRIS_INTERNAL, "something else");
  return OSIRIS_EXHAUSTED;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
