/* A count of options, and no options. */
#define OPTIONS NULL
#define OPTION_COUNT 3
#include "base.h"
DEFECT_MODULE
