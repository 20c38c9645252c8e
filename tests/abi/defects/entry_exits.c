/* Ends the process as if all were well, when it is asked for its tables. */
#include <osiris/adapter.h>
#include <stdlib.h>
OSIRIS_EXPORT const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  exit(0);
}
