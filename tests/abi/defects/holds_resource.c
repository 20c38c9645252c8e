/* Acquires something far away and cannot give it back: collect says so. */
#include "base.h"
static osiris_status holding_execute(osiris_adapter* self, const osiris_request* request) {
  tell_event(self->host, "resource_acquired", "{\"kind\":\"thing\",\"id\":\"r-1\"}");
  return good_execute(self, request);
}
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_fail(self->host, OSIRIS_UNAVAILABLE, "resource r-1 could not be released: it is still there and still billed");
  return OSIRIS_UNAVAILABLE;
}
#undef EXECUTE
#define EXECUTE holding_execute
#undef COLLECT
#define COLLECT the_sin
DEFECT_MODULE
