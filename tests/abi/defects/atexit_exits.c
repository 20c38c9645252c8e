/* Fails, and has registered a function that ends the process as if all were well. */
#include <stdlib.h>
#include <unistd.h>
#include "base.h"
static void in_the_end(void) { _exit(0); }
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  atexit(in_the_end);
  at_quick_exit(in_the_end);
  tell_fail(self->host, OSIRIS_UNAVAILABLE, "the service is down");
  return OSIRIS_UNAVAILABLE;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
