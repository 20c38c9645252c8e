/* Says that it failed, and returns OK. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_fail(self->host, OSIRIS_UNAVAILABLE, "the far side hung up");
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
