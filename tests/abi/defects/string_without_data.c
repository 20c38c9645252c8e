/* A string with a length and no data. */
#define NAME {NULL, 5}
#include "base.h"
DEFECT_MODULE
