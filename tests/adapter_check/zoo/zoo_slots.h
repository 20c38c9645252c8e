/* The functions of the table: those of the adapter inside, and what goes wrong around them. */
#ifndef OSIRIS_TESTS_ADAPTER_CHECK_ZOO_SLOTS_H
#define OSIRIS_TESTS_ADAPTER_CHECK_ZOO_SLOTS_H

#include "zoo_host.h"

#define PASSWORD "connection/mysql.check/password"

static volatile int zoo_instances = 0, zoo_made = 0, zoo_prepares = 0, zoo_runs = 0;
static int zoo_was_used = 0;
static char* zoo_shared = NULL;
static void* volatile zoo_leaked;
static pthread_mutex_t zoo_counting = PTHREAD_MUTEX_INITIALIZER;

static void zoo_change_table(void); /* zoo.c */

static void* zoo_talk(void* user) {
  struct zoo* z = (struct zoo*)user;
  while (z->is_talking) {
    if (IS(talks_between))
      zoo_event(z, "cmini.idle", NULL, "{}");
    else if (z->is_over)
      zoo_log(z, zoo_text("still here"));
    zoo_wait_ms(20);
  }
  return NULL;
}
static void* zoo_return(void* unused) { return unused; }

static void zoo_create_sins(struct zoo* z) {
  pthread_t thread;
  int status;
  pid_t pid;
  if (IS(copies_host)) {
    char room[sizeof(osiris_host)];
    memcpy(room, z->host, z->host->size > 160 ? 160 : z->host->size);
    z->number = room[8];
    if (z->host->size > sizeof room) abort(); /* the end of what was overwritten */
  }
  if (IS(reads_past_host)) z->number = ((const volatile char*)z->host)[z->host->size];
  if (IS(leaks_memory)) zoo_leaked = malloc(64 << 10);
  if (IS(leaks_descriptor)) zoo_ends_at_nothing();
  if (IS(create_connects)) close(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (IS(create_starts_thread) && !pthread_create(&thread, NULL, zoo_return, NULL)) pthread_join(thread, NULL);
  if (IS(create_runs_program) && (pid = zoo_start("x")) > 0) waitpid(pid, &status, 0);
  if (IS(create_writes)) zoo_write_file("zoo.tmp", "x");
  if (IS(keeps_request)) z->kept_request = NULL;
  if (IS(talks_after_destroy) || IS(talks_between)) {
    z->is_talking = 1;
    pthread_create(&z->talker, NULL, zoo_talk, z);
  }
}

static osiris_status z_create(const osiris_adapter_type* table, const osiris_host* host, osiris_adapter** out) {
  struct zoo* z = (struct zoo*)calloc(1, sizeof *z);
  osiris_status status;
  z->host = host;
  z->stage = "create";
  pthread_mutex_init(&z->lock, NULL);
  z->creator = pthread_self();
  zoo_fill_proxy(z);
  pthread_mutex_lock(&zoo_counting);
  z->number = ++zoo_made;
  zoo_instances++;
  if (!zoo_shared) zoo_shared = (char*)calloc(1, 16);
  pthread_mutex_unlock(&zoo_counting);
  zoo_was_used = 1;
  if (IS(table_changes)) zoo_change_table();
  if (IS(create_fails)) return zoo_fail(z, OSIRIS_INTERNAL, "no instance today");
  if (IS(create_empty)) return OSIRIS_OK;
  if (IS(one_instance) && zoo_instances > 1) return zoo_fail(z, OSIRIS_EXHAUSTED, "one at a time");
  if (IS(wants_host_size) && host->size != sizeof *host) return zoo_fail(z, OSIRIS_UNSUPPORTED, "another host");
  if (IS(wants_host_abi) && host->abi != OSIRIS_ABI(1, 0)) return zoo_fail(z, OSIRIS_UNSUPPORTED, "another host");
  zoo_create_sins(z);
  status = create(table, &z->proxy, &z->inner);
  if (status == OSIRIS_OK) *out = (osiris_adapter*)z;
  return status;
}

static int zoo_is_ascii(osiris_str text) {
  size_t i;
  for (i = 0; i < text.len; i++)
    if (text.data[i] < 0) return 0;
  return 1;
}

static osiris_status z_configure(osiris_adapter* self, const osiris_setting* settings, size_t n) {
  struct zoo* z = (struct zoo*)self;
  size_t i, labels = 0, has_text = 0;
  char buffer[4096];
  z->stage = "configure";
  if (IS(one_thread) && !pthread_equal(z->creator, pthread_self()))
    return zoo_fail(z, OSIRIS_INTERNAL, "another thread");
  if (IS(refuses_defaults)) return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "I do not like them");
  for (i = 0; i < n; i++) {
    const osiris_str name = settings[i].name, value = settings[i].value;
    const int is_text = zoo_named(name, "text");
    labels += zoo_named(name, "label");
    has_text += is_text;
    if (IS(refuses_maximum) && zoo_named(name, "number") && zoo_named(value, "9"))
      return zoo_fail(z, OSIRIS_INTERNAL, "too much");
    if (IS(short_buffer) && is_text) {
      if (value.len >= sizeof buffer) abort();
      memcpy(buffer, value.data, value.len);
    }
    if (IS(ascii_only) && !zoo_is_ascii(value)) return zoo_fail(z, OSIRIS_INTERNAL, "what is that?");
    if (IS(aborts_on_unknown) && zoo_named(name, "an-option-of-a-later-version")) abort();
    if (IS(wants_terminated_values)) z->number = (int)strlen(value.data);
    z->kept_setting = settings[i];
  }
  if (IS(refuses_repeats) && labels > 10) return zoo_fail(z, OSIRIS_INTERNAL, "too many labels");
  if (IS(wants_option) && !has_text) abort();
  if (IS(secret_early)) z->host->with_secret(z->host, zoo_text("ZOO_TOKEN"), zoo_keep_secret, z);
  if (IS(logs_secret_early)) {
    z->host->with_secret(z->host, zoo_text("ZOO_TOKEN"), zoo_keep_secret, z);
    zoo_log(z, zoo_text(z->secret));
  }
  return configure(z->inner, settings, n);
}

static int zoo_has(osiris_str text, const char* word) {
  return text.data && memmem(text.data, text.len, word, strlen(word));
}

static void zoo_validate_sins(struct zoo* z, const osiris_request* request) {
  char path[4096];
  if (IS(validate_acquires))
    zoo_event(z, "resource_acquired", NULL, "{\"kind\":\"slot\",\"id\":\"1\",\"cleanup\":\"-\"}");
  if (IS(validate_leaves_child)) zoo_start(NULL);
  if (IS(validate_writes)) {
    snprintf(path, sizeof path, "%.*s/zoo.tmp", (int)request->session_dir.len, request->session_dir.data);
    zoo_write_file(path, "x");
  }
  if (IS(wants_settings)) z->number = *(const volatile char*)request->settings_json.data;
  if (IS(wants_worker)) z->number = *(const volatile char*)request->worker_path.data;
  if (IS(keeps_settings) && z->kept_setting.value.data) z->number = *(const volatile char*)z->kept_setting.value.data;
}

static osiris_status z_validate(osiris_adapter* self, const osiris_request* request) {
  struct zoo* z = (struct zoo*)self;
  struct stat info;
  char path[4096];
  z->stage = "validate";
  zoo_validate_sins(z, request);
  if (IS(validates_once) && z->validated++) return zoo_fail(z, OSIRIS_INVALID_STATE, "again?");
  if (IS(refuses_good)) return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "no");
  if (IS(refuses_no_steps) && zoo_has(request->manifest_json, "\"steps\":[]"))
    return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "nothing to do");
  if (IS(strict_keys) && zoo_has(request->settings_json, "later_version"))
    return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "an unknown key");
  if (IS(shallow) && zoo_has(request->settings_json, "[[[[[[[[[[["))
    return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "too deep");
  if (IS(small_documents) && request->manifest_json.len > 1 << 20)
    return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "too large");
  if (IS(compact_only) && zoo_has(request->manifest_json, "\n"))
    return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "one line, please");
  if (IS(ascii_paths) && !zoo_is_ascii(request->work_dir)) return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "a path?");
  snprintf(path, sizeof path, "%.*s", (int)request->work_dir.len, request->work_dir.data);
  if (IS(silent_refusal) && stat(path, &info)) return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "");
  if (IS(cancel_is_internal) && z->host->is_cancelled(z->host)) return zoo_fail(z, OSIRIS_INTERNAL, "oh");
  if (IS(first_attempt_only) && request->attempt != 1) return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "again?");
  z->validated++;
  if (zoo_has(request->connections_json, PASSWORD)) return OSIRIS_OK; /* it lends secrets to nothing */
  return validate(z->inner, request);
}

/* The index of a defect; NULL: the adapter's own. */
static const char* zoo_index(struct zoo* z, const osiris_request* request, char* room, size_t size) {
  const char* form = "{\"schema\":\"osiris.prepared/1\",\"files\":[],\"secret_names\":[],\"options\":{\"x\":\"%s\"}}";
  char text[512] = "";
  const mode_t mask = umask(0);
  umask(mask);
  if (IS(prepares_half)) return "{\"schema\":\"osiris.prepared/1\"}";
  if (IS(package_leads_out))
    return "{\"schema\":\"osiris.prepared/1\",\"files\":[{\"path\":\"../x\"}],\"secret_names\":[],\"options\":{}}";
  if (IS(names_unknown_secret))
    return "{\"schema\":\"osiris.prepared/1\",\"files\":[],\"secret_names\":[\"OTHER\"],\"options\":{}}";
  if (IS(secret_in_prepared)) snprintf(text, sizeof text, "%s", z->secret);
  if (IS(counts_prepares)) snprintf(text, sizeof text, "%d", ++zoo_prepares);
  if (IS(numbers_instances)) snprintf(text, sizeof text, "%d", z->number);
  if (IS(prepares_directory) && !getcwd(text, sizeof text)) abort();
  if (IS(prepares_zone)) snprintf(text, sizeof text, "%s", getenv("TZ"));
  if (IS(prepares_umask)) snprintf(text, sizeof text, "%o", mask);
  if (IS(prepares_locale)) snprintf(text, sizeof text, "%s", setlocale(LC_ALL, NULL));
  if (IS(prepares_address)) snprintf(text, sizeof text, "%p", (const void*)request);
  if (!*text) return NULL;
  snprintf(room, size, form, text);
  return room;
}

static osiris_status z_prepare(osiris_adapter* self, const osiris_request* request) {
  struct zoo* z = (struct zoo*)self;
  char room[1024], path[4096];
  const char* index;
  z->stage = "prepare";
  if (IS(secret_in_prepared)) z->host->with_secret(z->host, zoo_text("ZOO_TOKEN"), zoo_keep_secret, z);
  if (IS(asks_in_prepare)) z->host->with_secret(z->host, zoo_text("ZOO_TOKEN"), zoo_keep_secret, z);
  if (IS(prepare_opens)) zoo_ends_at_nothing();
  if (IS(mask_in_one_call)) umask(077);
  if (IS(prepare_cancel_internal) && z->host->is_cancelled(z->host)) return zoo_fail(z, OSIRIS_INTERNAL, "oh");
  if (IS(prepare_writes)) {
    snprintf(path, sizeof path, "%.*s/zoo.tmp", (int)request->session_dir.len, request->session_dir.data);
    zoo_write_file(path, "x");
  }
  if (IS(writes_request)) ((char*)(uintptr_t)request->run_id.data)[0] = 'R';
  if (IS(keeps_request)) z->kept_request = request;
  if (IS(wants_request_size) && request->size != sizeof *request)
    return zoo_fail(z, OSIRIS_INVALID_ARGUMENT, "longer?");
  z->prepared++;
  if ((index = zoo_index(z, request, room, sizeof room))) return z->host->deliver(z->host, "prepared", zoo_text(index));
  if (IS(ignores_refusal)) {
    z->host->deliver(z->host, "prepared", zoo_text("{\"schema\":\"osiris.prepared/1\"}"));
    return OSIRIS_OK;
  }
  return prepare(z->inner, request);
}

#endif
