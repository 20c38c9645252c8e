/* Follows a pointer to nowhere. */
#define _DEFAULT_SOURCE
#include <signal.h>
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  raise(SIGSEGV); /* what the fault does, without undefined behaviour */
  return good_execute(self, NULL);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
