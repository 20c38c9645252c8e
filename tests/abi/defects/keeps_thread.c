/* destroy does not join: a thread goes on calling the host until that says "cancelled". */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include "base.h"
static sem_t ended;
static void* linger(void* argument) {
  const osiris_host* host = (const osiris_host*)argument;
  while (!host->is_cancelled(host)) sched_yield();
  tell_event(host, "after_the_end", "{}");
  sem_post(&ended);
  return NULL;
}
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  pthread_t thread;
  sem_init(&ended, 0, 0);
  pthread_create(&thread, NULL, linger, (void*)(uintptr_t)self->host);
  pthread_detach(thread);
  return good_execute(self, request);
}
static const void* extension(const osiris_adapter_type* type, const char* id) {
  (void)type;
  return strcmp(id, "test.ended/1") == 0 ? &ended : NULL;
}
#undef EXECUTE
#define EXECUTE the_sin
#undef EXTENSION
#define EXTENSION extension
DEFECT_MODULE
