/* Does not return from create. */
#define _DEFAULT_SOURCE
#define SIN sin_hang
#include "stage_sin.h"
#undef CREATE
#define CREATE sin_in_create
DEFECT_MODULE
