/* Does not return when it is asked for its tables. */
#include <osiris/adapter.h>
#include <stdio.h>
#include <unistd.h>
OSIRIS_EXPORT const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  fprintf(stderr, "loading\n");
  for (;;) pause();
}
