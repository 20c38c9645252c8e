/* Returns a status that no version has. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_fail(self->host, 4711, "from the future");
  return 4711;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
