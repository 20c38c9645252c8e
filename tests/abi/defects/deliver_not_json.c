/* Delivers text that is no JSON object. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  if (self->host->deliver(self->host, "result", str("success")) != OSIRIS_INVALID_ARGUMENT) return OSIRIS_INTERNAL;
  return OSIRIS_OK;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
