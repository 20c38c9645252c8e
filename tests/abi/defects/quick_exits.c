/* Ends the process by quick_exit, as if all were well. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)self;
  (void)request;
  quick_exit(0);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
