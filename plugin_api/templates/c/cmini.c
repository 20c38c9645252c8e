/* A minimal adapter in C: runs a pipeline by giving osiris-worker its requests on a socket and reading its records from
 * a pipe, as docs/worker-protocol.md draws them. No JSON library, no threads, no options. It lends no secrets, so it
 * refuses pipelines that need some. A pipeline without steps needs no worker. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json_scan.h"
#include "text.h"

struct osiris_adapter {
  const osiris_host* host;
  text* steps; /* one entry of the result per step of the manifest */
  size_t step_count;
  text failure;   /* what the first failed step said */
  text broken;    /* why the worker cannot be relied on; no fault of the pipeline */
  text artifacts; /* the array the worker's `finish` answered with */
  long long total_rows, last_seq;
  int answered, finished; /* `finish` was answered; with success */
};

static osiris_status fail(const osiris_host* host, osiris_status code, osiris_str message, const char* hint) {
  osiris_error error;
  memset(&error, 0, sizeof error);
  error.size = (uint32_t)sizeof error;
  error.code = code;
  error.message = message;
  error.hint = of(hint);
  host->fail(host, &error);
  return code;
}

/* The document of the call. A host that does not take it makes the call fail, too. */
static osiris_status deliver(const osiris_host* host, const char* name, osiris_str document) {
  if (host->deliver(host, name, document) == OSIRIS_OK) return OSIRIS_OK;
  return fail(host, OSIRIS_INTERNAL, of("the host did not take a document"), "");
}

static osiris_status create(const osiris_adapter_type* type_of, const osiris_host* host, osiris_adapter** out) {
  (void)type_of;
  osiris_adapter* self = (osiris_adapter*)calloc(1, sizeof *self);
  if (!self) return fail(host, OSIRIS_EXHAUSTED, of("out of memory"), "");
  self->host = host;
  *out = self;
  return OSIRIS_OK;
}

static osiris_status configure(osiris_adapter* self, const osiris_setting* settings, size_t n) {
  (void)self;
  (void)settings;
  (void)n; /* it has no options */
  return OSIRIS_OK;
}

static osiris_status validate(osiris_adapter* self, const osiris_request* request) {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps"));
  osiris_str connections = json_inside(json_get(request->connections_json, "connections"));
  for (;;) {
    (void)json_take(&connections); /* the name */
    const osiris_str connection = json_take(&connections);
    if (!connection.data) break;
    osiris_str secrets = json_inside(json_get(connection, "secrets"));
    if (json_take(&secrets).data)
      return fail(self->host, OSIRIS_UNSUPPORTED, of("this adapter lends no secrets, and the pipeline needs some"),
                  "use another adapter");
  }
  if (json_take(&steps).data && !request->worker_path.len)
    return fail(self->host, OSIRIS_INVALID_ARGUMENT, of("there is no worker to run the steps"), "");
  return OSIRIS_OK;
}

static osiris_status prepare(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  return deliver(self->host, "prepared",
                 of("{\"schema\":\"osiris.prepared/1\",\"files\":[],\"secret_names\":[],\"options\":{}}"));
}

/* Every request of the run, one per line. */
static void write_requests(const osiris_request* request, size_t step_count, text* out) {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps"));
  size_t i;
  char id[96];
  add_text(
      out,
      "{\"id\":\"prepare\",\"method\":\"prepare\",\"params\":{\"protocol\":1,\"secrets\":{},\"env\":{},\"run_id\":\"");
  add(out, request->run_id);
  add_text(out, "\",\"session_dir\":\"");
  add(out, request->session_dir);
  add_text(out, "\",\"work_dir\":\"");
  add(out, request->work_dir);
  add_text(out, "\"");
  add_member(out, "plan", request->manifest_json, "{}");
  add_member(out, "connections", json_get(request->connections_json, "connections"), "{}");
  add_member(out, "settings", request->settings_json, "{}");
  add_member(out, "specs_sha256", json_get(request->settings_json, "specs_sha256"), "\"\"");
  add_member(out, "worker_version", json_get(request->settings_json, "worker_version"), "\"\"");
  add_text(out, "}}\n");
  for (i = 0; i < step_count; i++) {
    snprintf(id, sizeof id, "{\"id\":\"%zu\",\"method\":\"execute_step\",\"params\":{\"step_id\":", i);
    add_text(out, id);
    add(out, json_get(json_take(&steps), "id"));
    add_text(out, "}}\n");
  }
  add_text(out, "{\"id\":\"finish\",\"method\":\"finish\",\"params\":{}}\n");
}

static void on_event(const osiris_adapter* self, osiris_str record) {
  const osiris_str data = json_get(record, "data");
  const osiris_str name = json_get(data, "event");
  osiris_event event;
  text rest = {NULL, 0, 0};
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = json_text(name);
  event.step_id = json_text(json_get(data, "step_id"));
  /* The data without its first member, which is the name. */
  osiris_str inside = json_inside(data);
  (void)json_take(&inside);
  (void)json_take(&inside);
  json_skip_blanks(&inside);
  add_text(&rest, "{");
  add(&rest, inside);
  event.data_json = view(&rest);
  self->host->emit_event(self->host, &event);
  forget(&rest);
}

static void on_metric(const osiris_adapter* self, osiris_str record) {
  const osiris_str data = json_get(record, "data");
  osiris_metric metric;
  memset(&metric, 0, sizeof metric);
  metric.size = (uint32_t)sizeof metric;
  metric.value = strtod(json_get(data, "value").data, NULL);
  metric.name = json_text(json_get(data, "metric"));
  metric.unit = json_text(json_get(data, "unit"));
  metric.step_id = json_text(json_get(data, "step_id"));
  metric.tags_json = json_get(data, "tags");
  self->host->emit_metric(self->host, &metric);
}

static void on_answer(osiris_adapter* self, osiris_str record, const osiris_request* request) {
  const osiris_str id = json_text(json_get(record, "id"));
  const osiris_str result = json_get(record, "result"), error = json_get(record, "error");
  if (error.data && !self->failure.len) add(&self->failure, json_text(json_get(error, "message")));
  if (json_is(id, "finish")) self->answered = 1;
  if (json_is(id, "finish") && result.data) {
    add(&self->artifacts, json_get(result, "artifacts"));
    self->total_rows = strtoll(json_get(result, "total_rows").data, NULL, 10);
    self->finished = 1;
  } else if (id.len && id.data[0] >= '0' && id.data[0] <= '9') {
    const size_t index = (size_t)strtoul(id.data, NULL, 10);
    osiris_str steps = json_inside(json_get(request->manifest_json, "steps")), step = {NULL, 0};
    size_t i;
    if (index >= self->step_count) return;
    for (i = 0; i <= index; i++) step = json_take(&steps);
    text* entry = &self->steps[index];
    add_text(entry, "{\"id\":");
    add(entry, json_get(step, "id"));
    if (result.data) {
      const osiris_str metrics = json_get(result, "metrics");
      add_member(entry, "status", of("\"success\""), "");
      add_member(entry, "rows_read", json_get(metrics, "rows_read"), "0");
      add_member(entry, "rows_written", json_get(metrics, "rows_written"), "0");
      add_member(entry, "rows_out", json_get(metrics, "rows_out"), "0");
      add_member(entry, "duration_ms", json_get(metrics, "duration_ms"), "0");
    } else {
      const int skipped = json_is(json_get(json_get(error, "data"), "skipped"), "true");
      add_member(entry, "status", of(skipped ? "\"skipped\"" : "\"failed\""), "");
      add_member(entry, "error", error, "{}");
    }
    add_text(entry, "}");
  }
}

/* Records are numbered. One that was seen before is dropped; after a gap nothing can be relied on: this channel is a
 * pipe, so nothing is asked for again. What is no whole record has no number that counts. */
static int is_new(osiris_adapter* self, osiris_str record) {
  const osiris_str seq = json_get(record, "seq");
  if (!seq.data) return 1;
  const long long number = strtoll(seq.data, NULL, 10);
  if (number <= self->last_seq) return 0;
  if (number != self->last_seq + 1 && !self->broken.len) add_text(&self->broken, "a record of the worker got lost");
  self->last_seq = number;
  return 1;
}

static void on_record(osiris_adapter* self, osiris_str record, const osiris_request* request) {
  const osiris_str type = json_text(json_get(record, "type"));
  if (!json_is_whole(record) || !is_new(self, record)) return;
  if (json_is(type, "event"))
    on_event(self, record);
  else if (json_is(type, "metric"))
    on_metric(self, record);
  else if (json_is(type, "fatal") && !self->broken.len)
    add(&self->broken, json_text(json_get(json_get(record, "error"), "message")));
  else if (!type.data)
    on_answer(self, record, request);
}

/* Hands every whole line to on_record and keeps the rest. */
static void take_lines(osiris_adapter* self, text* received, const osiris_request* request) {
  char *start = received->data, *end = received->data + received->len, *newline;
  while (start && (newline = (char*)memchr(start, '\n', (size_t)(end - start)))) {
    const osiris_str line = {start, (size_t)(newline - start)};
    on_record(self, line, request);
    start = newline + 1;
  }
  received->len = (size_t)(end - start);
  if (received->len) memmove(received->data, start, received->len);
}

static int start_worker(const osiris_request* request, pid_t* pid, int* to_worker, int* from_worker) {
  int in[2], out[2], error;
  char* path = strndup(request->worker_path.data, request->worker_path.len);
  char* arguments[2] = {path, NULL};
  char* environment[] = {(char*)(uintptr_t)"PATH=/usr/local/bin:/usr/bin:/bin", (char*)(uintptr_t)"HOME=/nonexistent",
                         (char*)(uintptr_t)"TZ=UTC", (char*)(uintptr_t)"LC_ALL=C", NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  /* A socket, not a pipe: writing to a dead worker is an error then, and no SIGPIPE, which is the host's. */
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) || pipe2(out, O_CLOEXEC)) return errno;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[1], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  /* The host has signals blocked and SIGPIPE ignored; a child would inherit both. */
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  free(path);
  close(in[1]);
  close(out[1]);
  *to_worker = in[0];
  *from_worker = out[0];
  return error;
}

/* To be called every 50 ms with what it returned before, 0 at first: SIGTERM at once, SIGKILL 2 s later. */
static int tell_to_end(pid_t pid, int told) {
  if (told == 0 || told == 40) kill(pid, told ? SIGKILL : SIGTERM);
  return told + 1;
}

static osiris_status run_worker(osiris_adapter* self, const osiris_request* request) {
  text requests = {NULL, 0, 0}, received = {NULL, 0, 0};
  size_t sent = 0;
  int to_worker = -1, from_worker = -1, open = 1, status = 0, told = 0;
  pid_t pid = -1;
  const int error = start_worker(request, &pid, &to_worker, &from_worker);
  if (error) return fail(self->host, OSIRIS_INTERNAL, of(strerror(error)), "is the worker installed?");
  write_requests(request, self->step_count, &requests);
  while (open) {
    struct pollfd fds[2] = {{from_worker, POLLIN, 0}, {to_worker, POLLOUT, 0}};
    poll(fds, sent < requests.len ? 2 : 1, 50);
    if (self->host->is_cancelled(self->host) || self->broken.len) told = tell_to_end(pid, told);
    if (sent < requests.len && fds[1].revents) {
      const ssize_t wrote = send(to_worker, requests.data + sent, requests.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (wrote > 0)
        sent += (size_t)wrote;
      else if (errno != EAGAIN && errno != EINTR)
        sent = requests.len;
    }
    if (fds[0].revents) {
      char block[65536];
      const ssize_t got = read(from_worker, block, sizeof block);
      if (got > 0) {
        const osiris_str piece = {block, (size_t)got};
        add(&received, piece);
        take_lines(self, &received, request);
        if (self->answered) shutdown(to_worker, SHUT_WR); /* nothing more to ask: the worker ends */
      } else if (got == 0 || errno != EINTR) {
        open = 0;
      }
    }
  }
  while (waitpid(pid, &status, WNOHANG) == 0) { /* without its output it has 2 s */
    told = tell_to_end(pid, told);
    poll(NULL, 0, 50);
  }
  close(to_worker);
  close(from_worker);
  forget(&requests);
  forget(&received);
  if (self->host->is_cancelled(self->host)) return fail(self->host, OSIRIS_CANCELLED, of("cancelled"), "");
  if (self->broken.len) return fail(self->host, OSIRIS_INTERNAL, view(&self->broken), "");
  if (!self->finished && !self->failure.len)
    return fail(self->host, OSIRIS_INTERNAL, of("the worker ended early"), "see the log");
  return OSIRIS_OK;
}

/* What the worker said of a step, or that it never came to it. */
static void add_step(text* result, const osiris_adapter* self, size_t index, const osiris_request* request) {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps")), step = {NULL, 0};
  size_t i;
  if (self->steps[index].len) {
    add(result, view(&self->steps[index]));
    return;
  }
  for (i = 0; i <= index; i++) step = json_take(&steps);
  add_text(result, "{\"id\":");
  add(result, json_get(step, "id"));
  add_text(result, ",\"status\":\"skipped\"}");
}

static osiris_status execute(osiris_adapter* self, const osiris_request* request) {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps"));
  text result = {NULL, 0, 0};
  osiris_status status = OSIRIS_OK;
  size_t i;
  char number[64];
  while (json_take(&steps).data) self->step_count++;
  self->steps = (text*)calloc(self->step_count + 1, sizeof *self->steps);
  if (self->step_count) status = run_worker(self, request);
  if (status != OSIRIS_OK) return status;
  if (self->failure.len) status = OSIRIS_RUN_FAILED;
  add_text(&result, "{\"schema\":\"osiris.result/1\"");
  add_member(&result, "status", of(status == OSIRIS_OK ? "\"success\"" : "\"failed\""), "");
  add_text(&result, ",\"steps\":[");
  for (i = 0; i < self->step_count; i++) {
    if (i) add_text(&result, ",");
    add_step(&result, self, i, request);
  }
  snprintf(number, sizeof number, "],\"total_rows\":%lld}", self->total_rows);
  add_text(&result, number);
  status = deliver(self->host, "result", view(&result));
  forget(&result);
  if (status != OSIRIS_OK || !self->failure.len) return status;
  return fail(self->host, OSIRIS_RUN_FAILED, view(&self->failure), "");
}

static osiris_status collect(osiris_adapter* self, const osiris_request* request) {
  text document = {NULL, 0, 0};
  osiris_status status;
  (void)request; /* the files are where they belong: the worker runs here */
  add_text(&document, "{\"schema\":\"osiris.artifacts/1\",\"released\":[]");
  add_member(&document, "files", view(&self->artifacts), "[]");
  add_text(&document, "}");
  status = deliver(self->host, "artifacts", view(&document));
  forget(&document);
  return status;
}

static void cancel(osiris_adapter* self) { (void)self; /* execute polls is_cancelled every 50 ms */ }

static void destroy(osiris_adapter* self) {
  size_t i;
  for (i = 0; self->steps && i < self->step_count; i++) forget(&self->steps[i]);
  free(self->steps);
  forget(&self->failure);
  forget(&self->broken);
  forget(&self->artifacts);
  free(self);
}

static const osiris_adapter_type type = {
    .size = sizeof(osiris_adapter_type),
    .id = OSIRIS_STR("cmini"),
    .name = OSIRIS_STR("Minimal C"),
    .version = OSIRIS_STR("1.0.0"),
    .summary = OSIRIS_STR("a minimal adapter in C"),
    .create = create,
    .configure = configure,
    .validate = validate,
    .prepare = prepare,
    .execute = execute,
    .collect = collect,
    .cancel = cancel,
    .destroy = destroy,
};
OSIRIS_LIBRARY_INFO("cmini", "1.0.0", "gcc or clang")
static const osiris_adapter_type* const types[] = {&type};
static const osiris_module module = {
    .size = sizeof(osiris_module),
    .abi = OSIRIS_ABI_VERSION,
    .min_host_abi = OSIRIS_ABI(1, 0),
    .adapter_count = 1,
    .adapters = types,
};

const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  (void)info;
  return &module;
}
