/* Exports the entry of a later major only. */
#define OSIRIS_ADAPTER_MAIN osiris_adapter_main_v2
#include <osiris/adapter.h>
const osiris_module* osiris_adapter_main_v2(const osiris_host_info* info) {
  (void)info;
  return NULL;
}
