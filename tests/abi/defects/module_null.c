/* The entry returns NULL. */
#include <osiris/adapter.h>
const osiris_module* osiris_adapter_main_v1(uint32_t host_abi) {
  (void)host_abi;
  return NULL;
}
