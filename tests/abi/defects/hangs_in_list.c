/* Does not return from a list of resources, whatever it is told. */
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
DEFECT_RESOURCES(list, release)
#undef EXTENSION
#define EXTENSION the_extension
DEFECT_MODULE
