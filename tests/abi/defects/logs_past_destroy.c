/* Three threads go on logging, whatever the host says. */
#include <pthread.h>
#include "base.h"
static void* chatter(void* argument) {
  for (;;) tell_log((const osiris_host*)argument, OSIRIS_DEBUG, "still here");
  return NULL;
}
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  int i;
  for (i = 0; i < 3; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, chatter, (void*)(uintptr_t)self->host);
    pthread_detach(thread);
  }
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
