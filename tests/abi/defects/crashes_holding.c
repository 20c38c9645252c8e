/* Ends in a fault while it holds something far away. Another instance of it can give that back. */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <stdio.h>
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  tell_event(self->host, "resource_acquired", "{\"kind\":\"thing\",\"id\":\"r-1\"}");
  raise(SIGSEGV);
  return good_execute(self, request);
}
static osiris_status release_one(osiris_adapter* self, const osiris_resource_query* query) {
  char text[512];
  snprintf(text, sizeof text,
           "{\"schema\":\"osiris.released/1\",\"released\":[{\"kind\":\"%.*s\",\"id\":\"%.*s\",\"verified\":true}]}",
           (int)query->kind.len, query->kind.data, (int)query->id.len, query->id.data);
  return self->host->deliver(self->host, "released", str(text));
}
DEFECT_RESOURCES(list_none, release_one)
#undef EXECUTE
#define EXECUTE the_sin
#undef EXTENSION
#define EXTENSION the_extension
DEFECT_MODULE
