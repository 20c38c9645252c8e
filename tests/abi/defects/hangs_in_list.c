/* Does not return from a list of resources, whatever it is told. */
#include <osiris/ext/resources.h>
#include <stdio.h>
#include <unistd.h>
#include "base.h"
static osiris_status list(osiris_adapter* self, const osiris_resource_query* query) OSIRIS_NOEXCEPT {
  (void)self;
  (void)query;
  fprintf(stderr, "hanging\n");
  for (;;) pause();
  return OSIRIS_OK;
}
static osiris_status release(osiris_adapter* self, const osiris_resource_query* query) OSIRIS_NOEXCEPT {
  (void)self;
  (void)query;
  return OSIRIS_UNSUPPORTED;
}
static const osiris_resources resources = {sizeof(osiris_resources), 0, list, release};
static const void* the_sin(const osiris_adapter_type* type, const char* id) OSIRIS_NOEXCEPT {
  (void)type;
  return strcmp(id, OSIRIS_RESOURCES_V1) == 0 ? &resources : NULL;
}
#undef EXTENSION
#define EXTENSION the_sin
DEFECT_MODULE
