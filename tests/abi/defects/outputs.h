/* An adapter that runs no worker and still does all that a run of one output asks for: its steps are seen to run, the
 * file is written, said and reported. A defect defines one of these macros and includes this header.
 *   CONTENT          what is written at the target ("x\n" is what is said)
 *   WRITES           0: nothing is written
 *   SAYS_WRITTEN     0: no step is seen to write anything
 *   REPORTED_SIZE    of the artifacts document
 *   REPORTED_SHA256
 *   REPORTED_BESIDE  the document's target is this much longer than the plan's
 *   REPORTS          how often the document names the file
 *   REPORTED_PATH    as which path; "": the pipeline's own */
#ifndef OSIRIS_TESTS_ABI_DEFECTS_OUTPUTS_H
#define OSIRIS_TESTS_ABI_DEFECTS_OUTPUTS_H

#include <stdio.h>
#include "../../../plugin_api/templates/c/json_scan.h"
#include "base.h"

#define X_SHA256 "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"

#ifndef CONTENT
#define CONTENT "x\n"
#endif
#ifndef WRITES
#define WRITES 1
#endif
#ifndef SAYS_WRITTEN
#define SAYS_WRITTEN 1
#endif
#ifndef REPORTED_SIZE
#define REPORTED_SIZE 2
#endif
#ifndef REPORTED_SHA256
#define REPORTED_SHA256 X_SHA256
#endif
#ifndef REPORTED_BESIDE
#define REPORTED_BESIDE ""
#endif
#ifndef REPORTS
#define REPORTS 1
#endif
#ifndef REPORTED_PATH
#define REPORTED_PATH ""
#endif

static inline void tell_step(osiris_adapter* self, const char* name, osiris_str step_id, const char* data_json) {
  osiris_event event;
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = str(name);
  event.step_id = step_id;
  event.data_json = str(data_json);
  self->host->emit_event(self->host, &event);
}

static inline void write_output(osiris_adapter* self, osiris_str step_id, osiris_str output) {
  const osiris_str path = json_text(json_get(output, "path")), target = json_text(json_get(output, "target"));
  char name[4096], data[4096];
  if (WRITES) {
    FILE* file;
    snprintf(name, sizeof name, "%.*s", (int)target.len, target.data);
    if ((file = fopen(name, "w"))) {
      fputs(CONTENT, file);
      fclose(file);
    }
  }
  if (!SAYS_WRITTEN) return;
  snprintf(data, sizeof data, "{\"path\":\"%.*s\",\"size_bytes\":2,\"sha256\":\"%s\"}", (int)path.len, path.data,
           X_SHA256);
  tell_step(self, "output_written", step_id, data);
}

static inline osiris_status outputs_execute(osiris_adapter* self, const osiris_request* request) OSIRIS_NOEXCEPT {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps")), step;
  while ((step = json_take(&steps)).data) {
    const osiris_str id = json_text(json_get(step, "id"));
    osiris_str outputs = json_inside(json_get(step, "outputs")), output;
    tell_step(self, "step_start", id, "{}");
    while ((output = json_take(&outputs)).data) write_output(self, id, output);
    tell_step(self, "step_complete", id, "{}");
  }
  return self->host->deliver(self->host, "result", str(RESULT));
}

static inline osiris_status outputs_collect(osiris_adapter* self, const osiris_request* request) OSIRIS_NOEXCEPT {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps")), step;
  const char* const other = REPORTED_PATH;
  char document[8192] = "{\"schema\":\"osiris.artifacts/1\",\"released\":[],\"files\":[";
  int named = 0;
  while ((step = json_take(&steps)).data) {
    const osiris_str id = json_text(json_get(step, "id"));
    osiris_str outputs = json_inside(json_get(step, "outputs")), output;
    while ((output = json_take(&outputs)).data) {
      const osiris_str path = json_text(json_get(output, "path")), target = json_text(json_get(output, "target"));
      int i;
      for (i = 0; i < REPORTS; i++) {
        const size_t end = strlen(document);
        snprintf(document + end, sizeof document - end,
                 "%s{\"step_id\":\"%.*s\",\"path\":\"%.*s\",\"target\":\"%.*s%s\",\"size_bytes\":%d,\"sha256\":\"%s\"}",
                 named++ ? "," : "", (int)id.len, id.data, other[0] ? (int)strlen(other) : (int)path.len,
                 other[0] ? other : path.data, (int)target.len, target.data, REPORTED_BESIDE, REPORTED_SIZE,
                 REPORTED_SHA256);
      }
    }
  }
  strncat(document, "]}", sizeof document - strlen(document) - 1);
  return self->host->deliver(self->host, "artifacts", str(document));
}

#undef EXECUTE
#define EXECUTE outputs_execute
#undef COLLECT
#define COLLECT outputs_collect

#endif
