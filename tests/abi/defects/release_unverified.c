/* Calls a resource released that it has not looked at again. */
#include <osiris/ext/resources.h>
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
static const osiris_resources resources = {sizeof(osiris_resources), 0, list, release};
static const void* the_sin(const osiris_adapter_type* type, const char* id) OSIRIS_NOEXCEPT {
  (void)type;
  return strcmp(id, OSIRIS_RESOURCES_V1) == 0 ? &resources : NULL;
}
#undef EXTENSION
#define EXTENSION the_sin
DEFECT_MODULE
