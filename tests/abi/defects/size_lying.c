/* A size that no version of the table has. */
#define TYPE_SIZE 0x7fffffff
#include "base.h"
DEFECT_MODULE
