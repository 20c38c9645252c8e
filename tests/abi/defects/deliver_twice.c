/* Delivers two results. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  const osiris_status first = good_execute(self, request);
  const osiris_status second =
      self->host->deliver(self->host, "result", str("{\"schema\":\"osiris.result/1\",\"status\":\"failed\"}"));
  return second == OSIRIS_INVALID_STATE ? first : OSIRIS_INTERNAL;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
