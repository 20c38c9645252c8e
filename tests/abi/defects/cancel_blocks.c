/* Neither hears that it should stop nor returns from being told. */
#include <stdio.h>
#include <unistd.h>
#include "base.h"
static void blocking_cancel(osiris_adapter* self) {
  (void)self;
  for (;;) pause();
}
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_event(self->host, "resource_acquired", "{\"kind\":\"thing\",\"id\":\"r-1\"}");
  fprintf(stderr, "hanging\n");
  for (;;) pause();
  return OSIRIS_OK;
}
#undef CANCEL
#define CANCEL blocking_cancel
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
