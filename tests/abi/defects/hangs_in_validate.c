/* Does not return from validate, whatever it is told. */
#include <stdio.h>
#include <unistd.h>
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)self;
  (void)request;
  fprintf(stderr, "hanging\n");
  for (;;) pause();
  return OSIRIS_OK;
}
#undef VALIDATE
#define VALIDATE the_sin
DEFECT_MODULE
