/* Emits events that are none. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  osiris_event event;
  memset(&event, 0, sizeof event);
  self->host->emit_event(self->host, NULL);
  self->host->emit_event(self->host, &event);
  event.size = (uint32_t)sizeof event;
  self->host->emit_event(self->host, &event);
  tell_event(self->host, "odd", "[1,2");
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
