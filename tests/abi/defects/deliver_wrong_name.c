/* Delivers artifacts where a result is due. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  return self->host->deliver(self->host, "artifacts", str(ARTIFACTS)) == OSIRIS_INVALID_STATE ? OSIRIS_OK
                                                                                              : OSIRIS_INTERNAL;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
