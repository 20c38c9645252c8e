/* Does not return from release. */
#define _DEFAULT_SOURCE
#define SIN sin_hang
#include "stage_sin.h"
static const osiris_resources resources = {sizeof(osiris_resources), 0, list_none, sin_in_query};
static const void* the_sin(const osiris_adapter_type* type, const char* id) OSIRIS_NOEXCEPT {
  (void)type;
  return strcmp(id, OSIRIS_RESOURCES_V1) == 0 ? &resources : NULL;
}
#undef EXTENSION
#define EXTENSION the_sin
DEFECT_MODULE
