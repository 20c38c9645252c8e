/* A default that configure would not receive as it stands. */
#define OPTION_TYPE OSIRIS_DURATION
#define OPTION_DEFAULT OSIRIS_STR("15m")
#include "options.h"

#include "base.h"
DEFECT_MODULE
