/* Nothing to choose from. */
#define OPTION_TYPE OSIRIS_CHOICE
#include "base.h"
#include "options.h"
DEFECT_MODULE
