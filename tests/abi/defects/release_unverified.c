/* Calls a resource released that it has not looked at again. */
#include "base.h"
static osiris_status list(osiris_adapter* self, const osiris_resource_query* query) OSIRIS_NOEXCEPT {
  (void)query;
  return self->host->deliver(self->host, "resources",
                             str("{\"schema\":\"osiris.resources/1\",\"resources\":[{\"kind\":\"vm\",\"id\":\"prod-1\","
                                 "\"owner_id\":\"SOMEBODY_ELSE\",\"run_id\":\"theirs\",\"leftover\":true}]}"));
}
static osiris_status release(osiris_adapter* self, const osiris_resource_query* query) OSIRIS_NOEXCEPT {
  (void)query;
  return self->host->deliver(self->host, "released",
                             str("{\"schema\":\"osiris.released/1\",\"released\":[{\"kind\":\"vm\","
                                 "\"id\":\"prod-1\",\"verified\":false}]}"));
}
DEFECT_RESOURCES(list, release)
#undef EXTENSION
#define EXTENSION the_extension
DEFECT_MODULE
