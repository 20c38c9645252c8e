/* A text that grows, for the documents that this adapter writes. */
#ifndef OSIRIS_TEMPLATE_TEXT_H
#define OSIRIS_TEMPLATE_TEXT_H

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

#endif
