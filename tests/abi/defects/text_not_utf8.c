/* Logs bytes that are not UTF-8. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_log(self->host, OSIRIS_INFO, "caf\xe9 \xff");
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
