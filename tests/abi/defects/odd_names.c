/* Names, times and values that are none. */
#include <math.h>
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  osiris_event event;
  osiris_metric metric;
  char name[130];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  tell_event(self->host, "two\nlines\x1b[31m", "{}");
  tell_event(self->host, name, "{}");
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = str("defect.long_ago");
  event.time_unix_ns = -9000000000000000000;
  self->host->emit_event(self->host, &event);
  memset(&metric, 0, sizeof metric);
  metric.size = (uint32_t)sizeof metric;
  metric.name = str("defect.load");
  metric.value = NAN;
  self->host->emit_metric(self->host, &metric);
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
