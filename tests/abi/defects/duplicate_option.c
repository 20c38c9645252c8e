/* Two options of one name. */
#define OPTION_COUNT 2
#include "base.h"
#include "options.h"
DEFECT_MODULE
