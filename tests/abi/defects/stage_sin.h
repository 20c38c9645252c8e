/* A slot that does not come back. A file defines SIN as what it does there, includes this, and gives the macro of one
 * slot the name of one of these functions. */
#ifndef OSIRIS_TESTS_ABI_DEFECTS_STAGE_SIN_H
#define OSIRIS_TESTS_ABI_DEFECTS_STAGE_SIN_H

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base.h"

static inline void sin_crash(void) { raise(SIGSEGV); }
static inline void sin_hang(void) {
  fprintf(stderr, "hanging\n");
  for (;;) pause();
}

static inline osiris_status sin_in_create(const osiris_adapter_type* type, const osiris_host* host,
                                          osiris_adapter** out) OSIRIS_NOEXCEPT {
  SIN();
  return good_create(type, host, out);
}
static inline osiris_status sin_in_configure(osiris_adapter* self, const osiris_setting* settings,
                                             size_t n) OSIRIS_NOEXCEPT {
  SIN();
  return good_configure(self, settings, n);
}
static inline osiris_status sin_in_query(osiris_adapter* self, const osiris_resource_query* query) OSIRIS_NOEXCEPT {
  (void)self;
  (void)query;
  SIN();
  return OSIRIS_UNSUPPORTED;
}

#endif
