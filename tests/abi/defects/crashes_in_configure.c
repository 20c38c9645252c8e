/* Ends in a fault in configure. */
#define _DEFAULT_SOURCE
#define SIN sin_crash
#include "stage_sin.h"
#undef CONFIGURE
#define CONFIGURE sin_in_configure
DEFECT_MODULE
