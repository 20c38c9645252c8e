/* Just enough JSON to take a document apart without a library: every value is a slice of the text it came from. Trusts
 * that the text is valid JSON; the host and the worker promise that. */
#ifndef OSIRIS_TESTS_ABI_JSON_SCAN_H
#define OSIRIS_TESTS_ABI_JSON_SCAN_H

#include <osiris/adapter.h>
#include <stdlib.h>
#include <string.h>

static inline void json_skip_blanks(osiris_str* rest) {
  while (rest->len && memchr(" \t\r\n,:", rest->data[0], 7)) {
    rest->data++;
    rest->len--;
  }
}

/* The value at the start of *rest, which it is removed from; empty at the end. */
static inline osiris_str json_take(osiris_str* rest) {
  osiris_str value = {NULL, 0};
  size_t at = 0, depth = 0;
  int in_string = 0;
  json_skip_blanks(rest);
  if (rest->len == 0 || rest->data[0] == ']' || rest->data[0] == '}') return value;
  for (; at < rest->len; at++) {
    const char c = rest->data[at];
    if (in_string) {
      if (c == '\\')
        at++;
      else if (c == '"')
        in_string = 0;
    } else if (c == '"') {
      in_string = 1;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (c == '}' || c == ']') {
      if (depth == 0) break; /* the end of what surrounds a number or a word */
      depth--;
    } else if (depth == 0 && memchr(" \t\r\n,:", c, 7)) {
      break;
    } else {
      continue;
    }
    if (depth == 0 && !in_string && at < rest->len && memchr("\"}]", rest->data[at], 3)) {
      at++;
      break;
    }
  }
  value.data = rest->data;
  value.len = at;
  rest->data += at;
  rest->len -= at;
  return value;
}

/* Whether a line is one object from its beginning to its end: what of a torn or damaged line is certain not to be. */
static inline int json_is_whole(osiris_str line) {
  osiris_str rest = line;
  return line.len >= 2 && line.data[0] == '{' && line.data[line.len - 1] == '}' && json_take(&rest).len == line.len;
}

/* The inside of an object or array, to be taken item by item. */
static inline osiris_str json_inside(osiris_str value) {
  osiris_str inside = {NULL, 0};
  if (value.len >= 2 && (value.data[0] == '{' || value.data[0] == '[')) {
    inside.data = value.data + 1;
    inside.len = value.len - 1;
  }
  return inside;
}

static inline int json_is(osiris_str value, const char* text) {
  return value.len == strlen(text) && memcmp(value.data, text, value.len) == 0;
}

/* A string without its quotes, escapes left as they are. */
static inline osiris_str json_text(osiris_str value) {
  osiris_str text = {NULL, 0};
  if (value.len >= 2 && value.data[0] == '"') {
    text.data = value.data + 1;
    text.len = value.len - 2;
  }
  return text;
}

/* The member `key` of an object; empty if there is none. */
static inline osiris_str json_get(osiris_str object, const char* key) {
  osiris_str rest = json_inside(object);
  for (;;) {
    const osiris_str name = json_text(json_take(&rest));
    const osiris_str value = json_take(&rest);
    if (!value.data || json_is(name, key)) return value;
  }
}

#endif
