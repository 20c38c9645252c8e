/* Emits while no call is in progress; the host provokes it by cancelling between two stages. */
#include "base.h"
static void the_sin(osiris_adapter* self) {
  tell_event(self->host, "step_start", "{}");
  tell_event(self->host, "resource_released", "{\"kind\":\"slot\",\"id\":\"1\"}");
}
#undef CANCEL
#define CANCEL the_sin
DEFECT_MODULE
