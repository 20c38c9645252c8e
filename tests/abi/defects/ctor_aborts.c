/* Aborts when it is loaded. */
#include "base.h"
__attribute__((constructor)) static void the_sin(void) { abort(); }
DEFECT_MODULE
