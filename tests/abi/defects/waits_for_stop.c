/* No sin, but patience: holds something far away until it is told to stop, and gives it back then. What it did is in
 * the file "trace" of the directory that the run started in. */
#include <sched.h>
#include <stdio.h>
#include "base.h"
static void note(const osiris_request* request, const char* line) {
  char name[4096];
  FILE* file;
  snprintf(name, sizeof name, "%.*s/trace", (int)request->work_dir.len, request->work_dir.data);
  if (!(file = fopen(name, "a"))) return;
  fprintf(file, "%s\n", line);
  fclose(file);
}
static osiris_status patient_execute(osiris_adapter* self, const osiris_request* request) {
  const osiris_host* host = self->host;
  tell_event(host, "resource_acquired", "{\"kind\":\"thing\",\"id\":\"r-1\"}");
  note(request, "acquired");
  while (!host->is_cancelled(host)) sched_yield();
  tell_event(host, "resource_released", "{\"kind\":\"thing\",\"id\":\"r-1\",\"verified\":true}");
  note(request, "released");
  tell_fail(host, OSIRIS_CANCELLED, "cancelled");
  return OSIRIS_CANCELLED;
}
#undef EXECUTE
#define EXECUTE patient_execute
DEFECT_MODULE
