/* No sin: starts threads while it is loaded, as the runtime of Go does. They take whatever signals the process lets
 * them have. */
#include <pthread.h>
#include <unistd.h>
#include "waits_for_stop.c"
static void* idle(void* nothing) {
  for (;;) pause();
  return nothing;
}
__attribute__((constructor)) static void start_threads(void) {
  pthread_t thread;
  for (int i = 0; i < 4; ++i)
    if (pthread_create(&thread, NULL, idle, NULL) == 0) pthread_detach(thread);
}
