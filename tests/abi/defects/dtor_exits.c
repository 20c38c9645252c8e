/* Fails, and ends the process as if all were well when the process ends anyway. */
#include <unistd.h>
#include "base.h"
__attribute__((destructor)) static void in_the_end(void) { _exit(0); }
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  tell_fail(self->host, OSIRIS_UNAVAILABLE, "the service is down");
  return OSIRIS_UNAVAILABLE;
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
