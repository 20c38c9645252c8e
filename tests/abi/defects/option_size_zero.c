/* Forgot the size of an option. */
#define OPTION_SIZE 0
#include "base.h"
#include "options.h"
DEFECT_MODULE
