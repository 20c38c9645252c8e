/* The entry returns NULL. */
#include <osiris/adapter.h>
const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  return NULL;
}
