/* Ends in a fault in release. */
#define _DEFAULT_SOURCE
#define SIN sin_crash
#include "stage_sin.h"
DEFECT_RESOURCES(list_none, sin_in_query)
#undef EXTENSION
#define EXTENSION the_extension
DEFECT_MODULE
