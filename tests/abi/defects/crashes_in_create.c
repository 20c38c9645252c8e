/* Ends in a fault in create. */
#define _DEFAULT_SOURCE
#define SIN sin_crash
#include "stage_sin.h"
#undef CREATE
#define CREATE sin_in_create
DEFECT_MODULE
