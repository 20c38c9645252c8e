/* Returns OK and delivers nothing. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  (void)self;
  return OSIRIS_OK;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
