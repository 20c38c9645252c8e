/* A complete little host in C99, frozen with the ABI 1.0: every adapter of major 1, of today and of later, must run in
 * it. It drives one library through its whole life and prints what it hears, a line each:
 *
 *   host LIBRARY ID REQUEST_DIR [NAME=VALUE ...]
 *
 * REQUEST_DIR holds the texts of the request, a file per field ("manifest_json", "worker_path", ...). NAME=VALUE are
 * settings, already canonical. Behind the `size` of every struct that it hands over are bytes that no adapter may read
 * or write. Exit status: 0 when execute and collect returned OK, 1 otherwise. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <osiris/adapter.h>
#include <osiris/ext/resources.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANARY = 128 };
#define WITH_CANARY(type)         \
  struct {                        \
    type body;                    \
    unsigned char canary[CANARY]; \
  }

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char* prepared; /* the document of that name */
static int failures;

static void fill(unsigned char* canary) { memset(canary, 0xa5, CANARY); }
static void check(const unsigned char* canary, const char* what) {
  int i;
  for (i = 0; i < CANARY; i++) {
    if (canary[i] == 0xa5) continue;
    fprintf(stderr, "the adapter wrote behind the size of %s\n", what);
    exit(1);
  }
}

static void print(const char* what, osiris_str text) {
  pthread_mutex_lock(&mutex);
  printf("%s %.*s\n", what, (int)text.len, text.data ? text.data : "");
  fflush(stdout);
  pthread_mutex_unlock(&mutex);
}

static void on_fail(const osiris_host* host, const osiris_error* error) {
  (void)host;
  failures++;
  print("fail", error->message);
}
static void on_log(const osiris_host* host, const osiris_log* line) {
  (void)host;
  print("log", line->message);
}
static void on_event(const osiris_host* host, const osiris_event* event) {
  (void)host;
  print("event", event->name);
}
static void on_metric(const osiris_host* host, const osiris_metric* metric) {
  (void)host;
  print("metric", metric->name);
}
static void on_progress(const osiris_host* host, const osiris_progress* progress) {
  (void)host;
  print("progress", progress->note);
}
static int32_t is_cancelled(const osiris_host* host) {
  (void)host;
  return 0;
}
static osiris_status with_secret(const osiris_host* host, osiris_str name, void (*use)(void* user, osiris_str value),
                                 void* user) {
  char* variable = strndup(name.data, name.len);
  const char* value = getenv(variable);
  osiris_str lent = {value, value ? strlen(value) : 0};
  (void)host;
  free(variable);
  if (!value) return OSIRIS_NOT_FOUND;
  use(user, lent);
  return OSIRIS_OK;
}
static osiris_status deliver(const osiris_host* host, const char* name, osiris_str json) {
  (void)host;
  print(name, json);
  if (strcmp(name, "prepared") == 0 && !prepared) prepared = strndup(json.data, json.len);
  return OSIRIS_OK;
}
static const void* extension(const osiris_host* host, const char* id) {
  (void)host;
  (void)id;
  return NULL;
}

/* The text of REQUEST_DIR/name, or absent. */
static osiris_str read_text(const char* directory, const char* name) {
  char path[4096];
  osiris_str text = {NULL, 0};
  char* data;
  FILE* file;
  long bytes;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  if (!(file = fopen(path, "rb"))) return text;
  fseek(file, 0, SEEK_END);
  bytes = ftell(file);
  rewind(file);
  data = (char*)malloc((size_t)bytes + 1);
  text.len = fread(data, 1, (size_t)bytes, file);
  text.data = data;
  fclose(file);
  return text;
}

static int went_well(const char* stage, osiris_status status) {
  printf("%s returned %d\n", stage, (int)status);
  if (status == OSIRIS_OK && failures) printf("%s called fail and returned OK\n", stage);
  return status == OSIRIS_OK && !failures;
}

int main(int argc, char** argv) {
  WITH_CANARY(osiris_host_info) info;
  WITH_CANARY(osiris_host) host;
  WITH_CANARY(osiris_request) request;
  const osiris_module* (*entry)(const osiris_host_info*);
  const osiris_module* module;
  const osiris_adapter_type* type = NULL;
  osiris_setting settings[64];
  osiris_adapter* self = NULL;
  size_t setting_count = 0;
  uint32_t i;
  int well;
  void* library;
  if (argc < 4) return 2;

  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  *(void**)&entry = dlsym(library, "osiris_adapter_main_v1");
  if (!entry) return fprintf(stderr, "no entry\n"), 1;
  memset(&info, 0, sizeof info);
  fill(info.canary);
  info.body.size = (uint32_t)sizeof info.body;
  info.body.abi = OSIRIS_ABI_VERSION;
  info.body.library_path.data = argv[1];
  info.body.library_path.len = strlen(argv[1]);
  module = entry(&info.body);
  if (!module || !OSIRIS_HAS(module, adapters)) return fprintf(stderr, "no module\n"), 1;
  if (module->min_host_abi > OSIRIS_ABI_VERSION || module->abi >> 16 != 1)
    return fprintf(stderr, "built for another host\n"), 1;
  for (i = 0; i < module->adapter_count; i++)
    if (module->adapters[i]->id.len == strlen(argv[2]) &&
        memcmp(module->adapters[i]->id.data, argv[2], strlen(argv[2])) == 0)
      type = module->adapters[i];
  if (!type || !OSIRIS_HAS(type, destroy)) return fprintf(stderr, "no such adapter\n"), 1;
  for (i = 0; i < type->option_count && setting_count < 32; i++)
    if (type->options[i]->default_value.data) {
      settings[setting_count].name = type->options[i]->name;
      settings[setting_count++].value = type->options[i]->default_value;
    }
  for (i = 4; i < (uint32_t)argc && setting_count < 64; i++) {
    char* equals = strchr(argv[i], '=');
    if (!equals) return 2;
    settings[setting_count].name.data = argv[i];
    settings[setting_count].name.len = (size_t)(equals - argv[i]);
    settings[setting_count].value.data = equals + 1;
    settings[setting_count++].value.len = strlen(equals + 1);
  }

  memset(&host, 0, sizeof host);
  fill(host.canary);
  host.body.size = (uint32_t)sizeof host.body;
  host.body.abi = OSIRIS_ABI_VERSION;
  host.body.fail = on_fail;
  host.body.log = on_log;
  host.body.emit_event = on_event;
  host.body.emit_metric = on_metric;
  host.body.progress = on_progress;
  host.body.is_cancelled = is_cancelled;
  host.body.with_secret = with_secret;
  host.body.deliver = deliver;
  host.body.extension = extension;

  memset(&request, 0, sizeof request);
  fill(request.canary);
  request.body.size = (uint32_t)sizeof request.body;
  request.body.attempt = 1;
  request.body.run_id = read_text(argv[3], "run_id");
  request.body.manifest_json = read_text(argv[3], "manifest_json");
  request.body.connections_json = read_text(argv[3], "connections_json");
  request.body.compiled_dir = read_text(argv[3], "compiled_dir");
  request.body.session_dir = read_text(argv[3], "session_dir");
  request.body.work_dir = read_text(argv[3], "work_dir");
  request.body.worker_path = read_text(argv[3], "worker_path");
  request.body.worker_sha256 = read_text(argv[3], "worker_sha256");
  request.body.settings_json = read_text(argv[3], "settings_json");
  request.body.grace_ns = 30000000000;

  if (!went_well("create", type->create(type, &host.body, &self))) return 1;
  well = went_well("configure", type->configure(self, settings, setting_count)) &&
         went_well("validate", type->validate(self, &request.body)) &&
         went_well("prepare", type->prepare(self, &request.body));
  if (well) {
    request.body.prepared_json.data = prepared;
    request.body.prepared_json.len = prepared ? strlen(prepared) : 0;
    well = went_well("execute", type->execute(self, &request.body));
    failures = 0;
    well = went_well("collect", type->collect(self, &request.body)) && well;
  }
  type->cancel(self);
  type->destroy(self);
  check(info.canary, "osiris_host_info");
  check(host.canary, "osiris_host");
  check(request.canary, "osiris_request");
  printf("destroyed\n");
  fflush(stdout);
  return well ? 0 : 1;
}
