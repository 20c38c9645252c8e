/* Breaks one rule a hundred thousand times. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  int i;
  for (i = 0; i < 100000; i++) tell_event(self->host, "", "{}");
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
