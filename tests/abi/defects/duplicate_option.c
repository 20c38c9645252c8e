/* Two options of one name. */
#define OPTION_COUNT 2
#include "options.h"

#include "base.h"
DEFECT_MODULE
