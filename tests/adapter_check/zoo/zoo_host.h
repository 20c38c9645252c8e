/* The host as the adapter inside sees it: what that tells is passed on, but for the defect. */
#ifndef OSIRIS_TESTS_ADAPTER_CHECK_ZOO_HOST_H
#define OSIRIS_TESTS_ADAPTER_CHECK_ZOO_HOST_H

#include "zoo.h"

/* An instance. */
struct zoo {
  osiris_host proxy; /* what the adapter inside is given */
  osiris_host copy;  /* for copies_table */
  const osiris_host* host;
  osiris_adapter* inner;
  pthread_mutex_t lock;
  pthread_t creator, talker;
  const osiris_request* kept_request;
  osiris_setting kept_setting;
  char secret[256];
  const char* stage;
  volatile int cancel_calls, is_over, is_talking;
  int validated, prepared, executed, holds, number;
  int64_t looked_ms, host_took_ms;
  int32_t said;
  size_t steps;
};

static struct zoo* zoo_of(const osiris_host* proxy) { return (struct zoo*)proxy->context; }
static const osiris_host* zoo_host_of(struct zoo* z) { return IS(copies_table) ? &z->copy : z->host; }

static osiris_str zoo_text(const char* text) {
  const osiris_str s = {text, strlen(text)};
  return s;
}

static void zoo_event(struct zoo* z, const char* name, const char* step, const char* data) {
  osiris_event event;
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = zoo_text(name);
  if (step) event.step_id = zoo_text(step);
  event.data_json = zoo_text(data);
  if (IS(sets_reserved)) event.reserved = 1;
  if (IS(no_time)) event.time_unix_ns = 5;
  if (IS(absent_with_length)) event.step_id.data = NULL, event.step_id.len = 5;
  zoo_host_of(z)->emit_event(zoo_host_of(z), &event);
}

static void zoo_log(struct zoo* z, osiris_str message) {
  osiris_log line;
  memset(&line, 0, sizeof line);
  line.size = IS(short_struct) ? 32 : (uint32_t)sizeof line;
  line.level = IS(odd_level) ? 25 : OSIRIS_INFO;
  line.message = message;
  zoo_host_of(z)->log(zoo_host_of(z), &line);
}

static osiris_status zoo_fail(struct zoo* z, osiris_status code, const char* message) {
  osiris_error error;
  memset(&error, 0, sizeof error);
  error.size = (uint32_t)sizeof error;
  error.code = code;
  error.message = zoo_text(message);
  z->host->fail(z->host, &error);
  return code;
}

static void proxy_fail(const osiris_host* proxy, const osiris_error* error) {
  struct zoo* z = zoo_of(proxy);
  osiris_error copy = *error;
  char text[24000];
  if (IS(status_without_fail)) return;
  if (IS(wordy)) {
    memset(text, 'x', 20000);
    text[20000] = 0;
    copy.message = zoo_text(text);
  }
  if (IS(secret_in_error)) {
    snprintf(text, sizeof text, "failed with %s", z->secret);
    copy.message = zoo_text(text);
  }
  if (IS(blames_itself) && copy.code == OSIRIS_RUN_FAILED) copy.code = OSIRIS_INTERNAL;
  if (IS(deadline_is_internal) && copy.code == OSIRIS_CANCELLED) copy.code = OSIRIS_INTERNAL;
  if (IS(claims_success) || IS(blames_pipeline)) return;
  z->host->fail(z->host, &copy);
}

static void proxy_log(const osiris_host* proxy, const osiris_log* line) {
  struct zoo* z = zoo_of(proxy);
  zoo_host_of(z)->log(zoo_host_of(z), line);
}

static int zoo_named(osiris_str text, const char* name) {
  return text.len == strlen(name) && !memcmp(text.data, name, text.len);
}

static void proxy_event(const osiris_host* proxy, const osiris_event* event) {
  struct zoo* z = zoo_of(proxy);
  int64_t began = zoo_now_ms();
  if (IS(loses_completion) && zoo_named(event->name, "step_complete") && z->steps++ == 0) return;
  if (IS(drops_when_slow) && z->host_took_ms > 8 && z->steps++ > 10) return;
  if (IS(drops_when_full) && z->host_took_ms > 1000 && z->steps++ == 0) return;
  if (IS(locks_in_cancel)) pthread_mutex_lock(&z->lock);
  zoo_host_of(z)->emit_event(zoo_host_of(z), event);
  if (IS(locks_in_cancel)) pthread_mutex_unlock(&z->lock);
  if (!(IS(drops_when_full) && z->host_took_ms > 1000)) z->host_took_ms = zoo_now_ms() - began;
}

static void proxy_metric(const osiris_host* proxy, const osiris_metric* metric) {
  struct zoo* z = zoo_of(proxy);
  zoo_host_of(z)->emit_metric(zoo_host_of(z), metric);
}
static void proxy_progress(const osiris_host* proxy, const osiris_progress* progress) {
  struct zoo* z = zoo_of(proxy);
  zoo_host_of(z)->progress(zoo_host_of(z), progress);
}

static int32_t proxy_is_cancelled(const osiris_host* proxy) {
  struct zoo* z = zoo_of(proxy);
  int32_t says;
  if (IS(deaf_to_cancel)) return 0;
  if (IS(looks_rarely)) {
    if (zoo_now_ms() - z->looked_ms > 2200) {
      z->looked_ms = zoo_now_ms();
      z->said = z->host->is_cancelled(z->host);
    }
    return z->said;
  }
  says = z->host->is_cancelled(z->host);
  if (IS(wants_one)) return says == 1;
  if (IS(wants_call)) return z->cancel_calls ? says : 0;
  if (IS(runs_when_late)) return 0;
  return says;
}

/* `text` with `from` replaced by something as long. */
static osiris_str zoo_changed(osiris_str text, const char* from, const char* to, char* room) {
  char* at;
  memcpy(room, text.data, text.len);
  room[text.len] = 0;
  at = strstr(room, from);
  if (at) memcpy(at, to, strlen(to));
  text.data = room;
  return text;
}

static osiris_status proxy_deliver(const osiris_host* proxy, const char* name, osiris_str json) {
  struct zoo* z = zoo_of(proxy);
  char* room = (char*)malloc(json.len + 1024);
  osiris_status status;
  if (IS(counts_wrong)) json = zoo_changed(json, "\"total_rows\":2", "\"total_rows\":7", room);
  if (IS(skips_nothing)) json = zoo_changed(json, "\"skipped\"", "\"success\"", room);
  if (!strcmp(name, "result") && (IS(claims_success) || IS(blames_pipeline)))
    json = zoo_text("{\"schema\":\"osiris.result/1\",\"status\":\"success\",\"steps\":[],\"total_rows\":0}");
  if (!strcmp(name, "artifacts") && IS(reports_nothing))
    json = zoo_text("{\"schema\":\"osiris.artifacts/1\",\"released\":[],\"files\":[]}");
  if (!strcmp(name, "artifacts") && IS(claims_absent))
    json = zoo_text(
        "{\"schema\":\"osiris.artifacts/1\",\"released\":[],\"files\":[{\"path\":\"out/never.csv\","
        "\"target\":\"/no/such/file\",\"size_bytes\":1,\"sha256\":\"\",\"step_id\":\"write\"}]}");
  if (!strcmp(name, "artifacts") && IS(secret_in_document)) {
    snprintf(room, 1024, "{\"schema\":\"osiris.artifacts/1\",\"released\":[],\"files\":[],\"note\":\"%s\"}", z->secret);
    json = zoo_text(room);
  }
  status = z->host->deliver(z->host, name, json);
  if (IS(delivers_twice)) z->host->deliver(z->host, name, json);
  free(room);
  if (IS(ignores_no_room) && !strcmp(name, "result")) return OSIRIS_OK;
  if (IS(ignores_no_room_later) && !strcmp(name, "artifacts")) return OSIRIS_OK;
  return status;
}

static osiris_status proxy_with_secret(const osiris_host* proxy, osiris_str name, void (*use)(void*, osiris_str),
                                       void* user) {
  struct zoo* z = zoo_of(proxy);
  return z->host->with_secret(z->host, name, use, user);
}
static const void* proxy_extension(const osiris_host* proxy, const char* id) {
  struct zoo* z = zoo_of(proxy);
  return z->host->extension(z->host, id);
}

static void zoo_fill_proxy(struct zoo* z) {
  z->copy = *z->host;
  z->proxy.size = (uint32_t)sizeof z->proxy;
  z->proxy.abi = z->host->abi;
  z->proxy.context = z;
  z->proxy.fail = proxy_fail;
  z->proxy.log = proxy_log;
  z->proxy.emit_event = proxy_event;
  z->proxy.emit_metric = proxy_metric;
  z->proxy.progress = proxy_progress;
  z->proxy.is_cancelled = proxy_is_cancelled;
  z->proxy.with_secret = proxy_with_secret;
  z->proxy.deliver = proxy_deliver;
  z->proxy.extension = proxy_extension;
}

static void zoo_keep_secret(void* user, osiris_str value) {
  struct zoo* z = (struct zoo*)user;
  if (value.len < sizeof z->secret) memcpy(z->secret, value.data, value.len);
}

#endif
