/* Ends in a fault in list. */
#define _DEFAULT_SOURCE
#define SIN sin_crash
#include "stage_sin.h"
DEFECT_RESOURCES(sin_in_query, sin_in_query)
#undef EXTENSION
#define EXTENSION the_extension
DEFECT_MODULE
