/* Forgot the size of its module. */
#define MODULE_SIZE 0
#include "base.h"
DEFECT_MODULE
