/* Tells of a step when execute has returned. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  osiris_event event;
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = str("step_complete");
  event.step_id = str("late");
  self->host->emit_event(self->host, &event);
  return good_collect(self, request);
}
#undef COLLECT
#define COLLECT the_sin
DEFECT_MODULE
