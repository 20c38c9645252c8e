/* Exports the entry of a later major only. */
#define OSIRIS_ADAPTER_MAIN osiris_adapter_main_v2
#include <osiris/adapter.h>
const osiris_module* osiris_adapter_main_v2(uint32_t host_abi) {
  (void)host_abi;
  return NULL;
}
