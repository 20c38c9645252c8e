/* Forgot the size of its table. */
#define TYPE_SIZE 0
#include "base.h"
DEFECT_MODULE
