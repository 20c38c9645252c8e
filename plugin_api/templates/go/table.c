/* The table that the host sees: constants, and functions that hand over to Go. */
#include "_cgo_export.h"

static osiris_status create(const osiris_adapter_type* type, const osiris_host* host, osiris_adapter** out) {
  (void)type;
  return gmini_create((osiris_host*)host, out);
}

static osiris_status configure(osiris_adapter* self, const osiris_setting* settings, size_t n) {
  (void)self;
  (void)settings;
  (void)n; /* it has no options */
  return OSIRIS_OK;
}

#define REQUEST_SLOT(name)                                                         \
  static osiris_status name(osiris_adapter* self, const osiris_request* request) { \
    return gmini_##name(self, (osiris_request*)request);                           \
  }
REQUEST_SLOT(validate)
REQUEST_SLOT(prepare)
REQUEST_SLOT(execute)
REQUEST_SLOT(collect)

static void cancel(osiris_adapter* self) { (void)self; /* execute polls is_cancelled */ }
static void destroy(osiris_adapter* self) { gmini_destroy(self); }

static const osiris_adapter_type type = {sizeof type,
                                         0,
                                         OSIRIS_STR("gmini"),
                                         OSIRIS_STR("Minimal Go"),
                                         OSIRIS_STR("1.0.0"),
                                         OSIRIS_STR("a minimal adapter in Go"),
                                         NULL,
                                         NULL,
                                         0,
                                         create,
                                         configure,
                                         validate,
                                         prepare,
                                         execute,
                                         collect,
                                         cancel,
                                         destroy,
                                         NULL};
static const osiris_adapter_type* const types[] = {&type};
static const osiris_module module = {sizeof module, OSIRIS_ABI_VERSION, OSIRIS_ABI(1, 0), 1, types};

OSIRIS_EXPORT const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  return &module;
}
