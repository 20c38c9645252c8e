/* Calls a function that nobody has. Bound lazily, it would die in the middle of a run. */
#include "base.h"
int osiris_tests_nobody_has_this(void);
static osiris_status execute(osiris_adapter* self, const osiris_request* request) {
  return osiris_tests_nobody_has_this() ? OSIRIS_OK : good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE execute
DEFECT_MODULE
