/* Texts that grow, and what the adapter of 1.0 tells its host. */
#ifndef OSIRIS_TESTS_ABI_V1_0_TELL_H
#define OSIRIS_TESTS_ABI_V1_0_TELL_H

#include <osiris/adapter.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
  char* data;
  size_t len, room;
} text;

static inline osiris_str of(const char* literal) {
  osiris_str s = {literal, strlen(literal)};
  return s;
}
static inline osiris_str view(const text* t) {
  osiris_str s = {t->data, t->len};
  return s;
}

static inline void add(text* to, osiris_str piece) {
  if (to->len + piece.len + 1 > to->room) {
    to->room = 2 * (to->len + piece.len + 1);
    to->data = (char*)realloc(to->data, to->room);
    if (!to->data) abort();
  }
  if (piece.len) memcpy(to->data + to->len, piece.data, piece.len);
  to->len += piece.len;
  to->data[to->len] = 0;
}
static inline void add_text(text* to, const char* literal) { add(to, of(literal)); }
/* ,"key":value with the value as it stands; `otherwise` where there is none. */
static inline void add_member(text* to, const char* key, osiris_str value, const char* otherwise) {
  add_text(to, ",\"");
  add_text(to, key);
  add_text(to, "\":");
  add(to, value.len ? value : of(otherwise));
}
static inline void forget(text* t) {
  free(t->data);
  memset(t, 0, sizeof *t);
}

/* Behind each struct: pointers and sizes that would crash who reads them. */
#define WITH_CANARY(type)      \
  struct {                     \
    type body;                 \
    unsigned char canary[128]; \
  }
#define FILL(tail)                                    \
  do {                                                \
    memset(&(tail), 0, sizeof(tail));                 \
    memset((tail).canary, 0xa5, sizeof(tail).canary); \
    (tail).body.size = (uint32_t)sizeof(tail).body;   \
  } while (0)

static inline void say(const osiris_host* host, int32_t level, const char* message) {
  WITH_CANARY(osiris_log) line;
  FILL(line);
  line.body.level = level;
  line.body.message = of(message);
  line.body.source = of("frozen");
  line.body.fields_json = of("{\"from\":\"1.0\"}");
  host->log(host, &line.body);
}

static inline void tell_progress(const osiris_host* host, double done, double total) {
  WITH_CANARY(osiris_progress) progress;
  FILL(progress);
  progress.body.done = done;
  progress.body.total = total;
  progress.body.unit = of("steps");
  progress.body.note = of("frozen");
  host->progress(host, &progress.body);
}

static inline osiris_status fail(const osiris_host* host, osiris_status code, osiris_str message, const char* hint) {
  WITH_CANARY(osiris_error) error;
  FILL(error);
  error.body.code = code;
  error.body.message = message;
  error.body.hint = of(hint);
  host->fail(host, &error.body);
  return code;
}

#endif
