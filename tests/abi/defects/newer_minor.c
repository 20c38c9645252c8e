/* Not a sin: built with an imagined 1.7 whose tables have grown at their ends; asks before using what 1.0 lacks. */
#include "base.h"

typedef struct {
  osiris_adapter_type v10;
  osiris_status (*pause)(osiris_adapter*);
} type_1_7;
typedef struct {
  osiris_host v10;
  void (*added_in_1_7)(const osiris_host*);
} host_1_7;

static osiris_status execute(osiris_adapter* self, const osiris_request* request) {
  const host_1_7* host = (const host_1_7*)(const void*)self->host;
  if (host->v10.size >= sizeof *host && host->added_in_1_7) return OSIRIS_INTERNAL;
  return good_execute(self, request);
}
static osiris_status later(osiris_adapter* self) {
  (void)self;
  return OSIRIS_OK;
}
static const type_1_7 grown = {
    {sizeof(type_1_7), 0, OSIRIS_STR(ID), NAME, OSIRIS_STR("1.0.0"), OSIRIS_STR("from the future"), NULL, NULL, 0,
     CREATE, CONFIGURE, VALIDATE, PREPARE, execute, COLLECT, CANCEL, DESTROY, NULL},
    later};
static const osiris_adapter_type* const types[] = {&grown.v10};
static const struct {
  osiris_module v10;
  uint64_t added;
} module = {{sizeof module, OSIRIS_ABI(1, 7), OSIRIS_ABI(1, 0), 1, types}, 7};
const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  (void)good_execute;
  return &module.v10;
}
