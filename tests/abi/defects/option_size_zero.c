/* Forgot the size of an option. */
#define OPTION_SIZE 0
#include "options.h"

#include "base.h"
DEFECT_MODULE
