/* A complete little adapter, C99, in which each piece can be replaced. A defect is a file that defines one of these
 * macros and includes this header: everything else about it is right, so what is refused or reported is exactly that
 * sin. */
#ifndef OSIRIS_TESTS_ABI_DEFECTS_BASE_H
#define OSIRIS_TESTS_ABI_DEFECTS_BASE_H

#include <osiris/adapter.h>
#include <osiris/ext/resources.h>
#include <stdlib.h>
#include <string.h>

#define PREPARED "{\"schema\":\"osiris.prepared/1\",\"files\":[],\"secret_names\":[],\"options\":{}}"
#define RESULT "{\"schema\":\"osiris.result/1\",\"status\":\"success\",\"steps\":[],\"total_rows\":0}"
#define ARTIFACTS "{\"schema\":\"osiris.artifacts/1\",\"files\":[],\"released\":[]}"

struct osiris_adapter {
  const osiris_host* host;
};

static inline osiris_str str(const char* text) {
  osiris_str s;
  s.data = text;
  s.len = strlen(text);
  return s;
}

static inline void tell_fail(const osiris_host* host, osiris_status code, const char* message) {
  osiris_error error;
  memset(&error, 0, sizeof error);
  error.size = (uint32_t)sizeof error;
  error.code = code;
  error.message = str(message);
  host->fail(host, &error);
}

static inline void tell_event(const osiris_host* host, const char* name, const char* data_json) {
  osiris_event event;
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = str(name);
  event.data_json = str(data_json);
  host->emit_event(host, &event);
}

static inline void tell_log(const osiris_host* host, int32_t level, const char* message) {
  osiris_log line;
  memset(&line, 0, sizeof line);
  line.size = (uint32_t)sizeof line;
  line.level = level;
  line.message = str(message);
  host->log(host, &line);
}

static inline osiris_status list_none(osiris_adapter* self, const osiris_resource_query* query) OSIRIS_NOEXCEPT {
  (void)query;
  return self->host->deliver(self->host, "resources", str("{\"schema\":\"osiris.resources/1\",\"resources\":[]}"));
}

static inline osiris_status good_create(const osiris_adapter_type* type, const osiris_host* host,
                                        osiris_adapter** out) OSIRIS_NOEXCEPT {
  (void)type;
  osiris_adapter* self = (osiris_adapter*)malloc(sizeof *self);
  self->host = host;
  *out = self;
  return OSIRIS_OK;
}
static inline osiris_status good_configure(osiris_adapter* self, const osiris_setting* settings,
                                           size_t n) OSIRIS_NOEXCEPT {
  (void)self;
  (void)settings;
  (void)n;
  return OSIRIS_OK;
}
static inline osiris_status good_validate(osiris_adapter* self, const osiris_request* request) OSIRIS_NOEXCEPT {
  (void)self;
  (void)request;
  return OSIRIS_OK;
}
static inline osiris_status good_prepare(osiris_adapter* self, const osiris_request* request) OSIRIS_NOEXCEPT {
  (void)request;
  return self->host->deliver(self->host, "prepared", str(PREPARED));
}
static inline osiris_status good_execute(osiris_adapter* self, const osiris_request* request) OSIRIS_NOEXCEPT {
  (void)request;
  return self->host->deliver(self->host, "result", str(RESULT));
}
static inline osiris_status good_collect(osiris_adapter* self, const osiris_request* request) OSIRIS_NOEXCEPT {
  (void)request;
  return self->host->deliver(self->host, "artifacts", str(ARTIFACTS));
}
static inline void good_cancel(osiris_adapter* self) OSIRIS_NOEXCEPT { (void)self; }
static inline void good_destroy(osiris_adapter* self) OSIRIS_NOEXCEPT { free(self); }

#ifndef CREATE
#define CREATE good_create
#endif
#ifndef CONFIGURE
#define CONFIGURE good_configure
#endif
#ifndef VALIDATE
#define VALIDATE good_validate
#endif
#ifndef PREPARE
#define PREPARE good_prepare
#endif
#ifndef EXECUTE
#define EXECUTE good_execute
#endif
#ifndef COLLECT
#define COLLECT good_collect
#endif
#ifndef CANCEL
#define CANCEL good_cancel
#endif
#ifndef DESTROY
#define DESTROY good_destroy
#endif
#ifndef EXTENSION
#define EXTENSION NULL
#endif
#ifndef ID
#define ID "defect"
#endif
#ifndef OPTIONS
#define OPTIONS NULL
#define OPTION_COUNT 0
#endif
#ifndef SECRETS
#define SECRETS NULL
#define SECRET_COUNT 0
#endif
#ifndef TYPE_SIZE
#define TYPE_SIZE sizeof(osiris_adapter_type)
#endif
#ifndef MODULE_SIZE
#define MODULE_SIZE sizeof(osiris_module)
#endif
#ifndef MODULE_ABI
#define MODULE_ABI OSIRIS_ABI_VERSION
#endif
#ifndef MIN_HOST_ABI
#define MIN_HOST_ABI OSIRIS_ABI(1, 0)
#endif
#ifndef NAME
#define NAME OSIRIS_STR("Defect")
#endif
#ifndef SUMMARY
#define SUMMARY OSIRIS_STR("one sin")
#endif
#ifndef ADAPTERS
#define ADAPTERS {&the_type}
#define ADAPTER_COUNT 1
#endif

/* The adapter lists and releases what it owns by these two functions: used once they are defined. */
#define DEFECT_RESOURCES(list, release)                                                               \
  static const osiris_resources the_resources = {sizeof(osiris_resources), 0, list, release};         \
  static const void* the_extension(const osiris_adapter_type* type, const char* id) OSIRIS_NOEXCEPT { \
    (void)type;                                                                                       \
    return strcmp(id, OSIRIS_RESOURCES_V1) == 0 ? &the_resources : NULL;                              \
  }

/* Used after a file has defined its own functions and tables: DEFECT_MODULE at its end. */
#define DEFECT_MODULE                                                                                        \
  static const osiris_adapter_type the_type = {                                                              \
      TYPE_SIZE, OPTION_COUNT, OSIRIS_STR(ID), NAME,         OSIRIS_STR("1.0.0"),                            \
      SUMMARY,   OPTIONS,      SECRETS,        SECRET_COUNT, CREATE,                                         \
      CONFIGURE, VALIDATE,     PREPARE,        EXECUTE,      COLLECT,                                        \
      CANCEL,    DESTROY,      EXTENSION};                                                                   \
  static const osiris_adapter_type* const the_types[] = ADAPTERS;                                            \
  static const osiris_module the_module = {MODULE_SIZE, MODULE_ABI, MIN_HOST_ABI, ADAPTER_COUNT, the_types}; \
  OSIRIS_EXPORT const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) OSIRIS_NOEXCEPT {  \
    (void)info;                                                                                              \
    return &the_module;                                                                                      \
  }

#endif
