/* execute, collect, cancel and destroy of the zoo; and how it starts the worker. */
#ifndef OSIRIS_TESTS_ADAPTER_CHECK_ZOO_RUN_H
#define OSIRIS_TESTS_ADAPTER_CHECK_ZOO_RUN_H

#include "zoo_slots.h"

/* Every output of the plan, by its target. */
static void zoo_for_outputs(const osiris_request* request, void (*visit)(const char* target)) {
  osiris_str steps = json_inside(json_get(request->manifest_json, "steps")), step;
  char target[4096];
  while ((step = json_take(&steps)).data) {
    osiris_str outputs = json_inside(json_get(step, "outputs")), output;
    while ((output = json_take(&outputs)).data) {
      const osiris_str text = json_text(json_get(output, "target"));
      snprintf(target, sizeof target, "%.*s", (int)text.len, text.data);
      visit(target);
    }
  }
}
static void zoo_cut(const char* target) {
  struct stat info;
  if (!stat(target, &info) && info.st_size > 1000000 && truncate(target, 1000000)) abort();
}
static void zoo_remove(const char* target) { unlink(target); }
static void zoo_close_to_others(const char* target) { chmod(target, 0600); }

static void zoo_misuse_secret(struct zoo* z, const osiris_request* request) {
  char path[4096], data[512];
  int status;
  pid_t pid;
  if (IS(asks_for_other)) z->host->with_secret(z->host, zoo_text("OTHER_TOKEN"), zoo_keep_secret, z);
  if (!zoo_has(request->connections_json, PASSWORD)) return;
  z->host->with_secret(z->host, zoo_text(PASSWORD), zoo_keep_secret, z);
  if (IS(secret_in_file)) {
    snprintf(path, sizeof path, "%.*s/zoo.tmp", (int)request->session_dir.len, request->session_dir.data);
    zoo_write_file(path, z->secret);
  }
  if (IS(secret_in_argument) && (pid = zoo_start(z->secret)) > 0) waitpid(pid, &status, 0);
  snprintf(data, sizeof data, "{\"login\":\"%s\"}", z->secret);
  if (IS(secret_in_event)) zoo_event(z, "cmini.login", NULL, data);
  if (IS(secret_on_stderr)) fprintf(stderr, "login with %s\n", z->secret);
}

static void zoo_execute_sins(struct zoo* z, const osiris_request* request) {
  char name[256], path[4096];
  pthread_t thread;
  int number;
  ZOO_PROCESS_SINS(run);
  if (IS(run_prints)) printf("running\n"), fflush(stdout);
  if (IS(run_keeps_thread)) pthread_create(&thread, NULL, zoo_sleeper, NULL);
  if (IS(run_keeps_child) || IS(leaves_daemon)) zoo_start(NULL);
  if (IS(waits_for_any)) waitpid(-1, NULL, WNOHANG);
  if (IS(closes_all))
    for (number = 20; number < 64; number++) close(number);
  if (IS(small_descriptors)) {
    number = zoo_ends_at_nothing();
    if (number >= 256) abort();
    close(number);
  }
  if (IS(exit_in_run)) atexit(zoo_end_with_0);
  if (IS(osiris_name)) zoo_event(z, "queue_entered", NULL, "{}");
  if (IS(ghost_step)) zoo_event(z, "step_start", "ghost", "{}");
  if (IS(sets_reserved) || IS(no_time) || IS(absent_with_length)) zoo_event(z, "cmini.note", NULL, "{}");
  if (IS(long_name)) {
    memset(name, 'x', 200);
    name[200] = 0;
    zoo_event(z, name, NULL, "{}");
  }
  if (IS(no_utf8)) zoo_log(z, zoo_text("\xff\xfe no text"));
  if (IS(odd_level) || IS(short_struct)) zoo_log(z, zoo_text("a line"));
  if (IS(other_metric)) {
    osiris_metric metric;
    memset(&metric, 0, sizeof metric);
    metric.size = (uint32_t)sizeof metric;
    metric.name = zoo_text("other.depth");
    z->host->emit_metric(z->host, &metric);
  }
  if (IS(litters)) {
    snprintf(path, sizeof path, "%.*s/zoo.tmp", (int)request->work_dir.len, request->work_dir.data);
    zoo_write_file(path, "x");
  }
  if (IS(no_cleanup)) {
    zoo_event(z, "resource_acquired", NULL, "{\"kind\":\"slot\",\"id\":\"1\"}");
    zoo_event(z, "resource_released", NULL, "{\"kind\":\"slot\",\"id\":\"1\",\"verified\":true}");
  }
}

static int zoo_holds(void) {
  return IS(never_releases) || IS(unverified) || IS(forgets_in_collect) || IS(forgets_in_destroy);
}

static osiris_status z_execute(osiris_adapter* self, const osiris_request* request) {
  struct zoo* z = (struct zoo*)self;
  osiris_status status;
  z->stage = "execute";
  z->executed = 1;
  if (IS(keeps_request)) z->number = *(const volatile int*)z->kept_request;
  if (IS(runs_once) && zoo_runs++) return zoo_fail(z, OSIRIS_INTERNAL, "once is enough");
  if (IS(attempts_once) && request->attempt > 1) return zoo_fail(z, OSIRIS_INTERNAL, "again?");
  if (IS(unknown_status)) return zoo_fail(z, 99, "a status of my own");
  if (IS(secret_missing) && zoo_has(request->connections_json, PASSWORD) &&
      z->host->with_secret(z->host, zoo_text(PASSWORD), zoo_keep_secret, z) != OSIRIS_OK)
    return zoo_fail(z, OSIRIS_INTERNAL, "this cannot be");
  zoo_misuse_secret(z, request);
  zoo_execute_sins(z, request);
  if (zoo_holds()) zoo_event(z, "resource_acquired", NULL, "{\"kind\":\"slot\",\"id\":\"1\",\"cleanup\":\"-\"}");
  z->holds = zoo_holds();
  status = execute(z->inner, request);
  if (IS(blames_itself) && status == OSIRIS_RUN_FAILED) status = OSIRIS_INTERNAL;
  if (IS(deadline_is_internal) && status == OSIRIS_CANCELLED) status = OSIRIS_INTERNAL;
  if ((IS(claims_success) && status == OSIRIS_RUN_FAILED) || (IS(blames_pipeline) && status == OSIRIS_INTERNAL)) {
    if (status == OSIRIS_INTERNAL) proxy_deliver(&z->proxy, "result", zoo_text("{}"));
    status = OSIRIS_OK;
  }
  if (IS(fail_with_ok)) zoo_fail(z, OSIRIS_INTERNAL, "or not");
  if (IS(loses_output)) zoo_for_outputs(request, zoo_remove);
  if (IS(cuts_outputs)) zoo_for_outputs(request, zoo_cut);
  if (IS(changes_mode)) zoo_for_outputs(request, zoo_close_to_others);
  return status;
}

static void zoo_release(struct zoo* z) {
  if (!z->holds) return;
  z->holds = 0;
  zoo_event(z, "resource_released", NULL,
            IS(unverified) ? "{\"kind\":\"slot\",\"id\":\"1\"}" : "{\"kind\":\"slot\",\"id\":\"1\",\"verified\":true}");
}

static osiris_status z_collect(osiris_adapter* self, const osiris_request* request) {
  struct zoo* z = (struct zoo*)self;
  z->stage = "collect";
  if (!IS(never_releases) && !(IS(forgets_in_collect) && z->host->is_cancelled(z->host))) zoo_release(z);
  return collect(z->inner, request);
}

static void z_cancel(osiris_adapter* self) {
  struct zoo* z = (struct zoo*)self;
  z->cancel_calls++;
  if (IS(cancel_waits)) zoo_wait_ms(2000);
  if (IS(crashes_late) && z->executed && strcmp(z->stage, "execute") == 0 && !z->host->is_cancelled(z->host)) abort();
  if (IS(cancel_not_again) && z->cancel_calls > 1) abort();
  if (IS(locks_in_cancel)) {
    pthread_mutex_lock(&z->lock);
    pthread_mutex_unlock(&z->lock);
  }
  cancel(z->inner);
}

static void z_destroy(osiris_adapter* self) {
  struct zoo* z = (struct zoo*)self;
  if (IS(crashes_in_destroy) && !z->validated) abort();
  if (IS(crashes_unprepared) && z->validated && !z->prepared) abort();
  if (IS(shares_state)) free(zoo_shared);
  if (!IS(never_releases) && !IS(forgets_in_destroy) && !IS(forgets_in_collect)) zoo_release(z);
  z->is_over = 1;
  if (IS(talks_after_destroy)) pthread_detach(z->talker);
  if (IS(talks_between)) {
    z->is_talking = 0;
    pthread_join(z->talker, NULL);
  }
  pthread_mutex_lock(&zoo_counting);
  zoo_instances--;
  pthread_mutex_unlock(&zoo_counting);
  destroy(z->inner);
  if (!IS(talks_after_destroy)) free(z);
}

#endif
