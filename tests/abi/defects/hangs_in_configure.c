/* Does not return from configure. */
#define _DEFAULT_SOURCE
#define SIN sin_hang
#include "stage_sin.h"
#undef CONFIGURE
#define CONFIGURE sin_in_configure
DEFECT_MODULE
