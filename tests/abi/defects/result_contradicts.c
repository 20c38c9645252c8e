/* Returns OK with a result that says failed. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  return self->host->deliver(self->host, "result",
                             str("{\"schema\":\"osiris.result/1\",\"status\":\"failed\",\"steps\":[]}"));
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
