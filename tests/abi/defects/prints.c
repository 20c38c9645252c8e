/* Prints to standard output, which belongs to whoever reads osiris. */
#include <stdio.h>
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  printf("a line for my own amusement\n");
  fflush(stdout);
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
