/* Ends the process as if all were well, when it is loaded. */
#include "base.h"
__attribute__((constructor)) static void the_sin(void) { exit(0); }
DEFECT_MODULE
