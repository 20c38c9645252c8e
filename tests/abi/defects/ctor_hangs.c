/* Does not return from being loaded. */
#include <stdio.h>
#include <unistd.h>
#include "base.h"
__attribute__((constructor)) static void the_sin(void) {
  fprintf(stderr, "loading\n");
  for (;;) pause();
}
DEFECT_MODULE
