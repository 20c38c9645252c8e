/* Nothing to choose from. */
#define OPTION_TYPE OSIRIS_CHOICE
#include "options.h"

#include "base.h"
DEFECT_MODULE
