/* A default that configure would not receive as it stands. */
#define OPTION_TYPE OSIRIS_DURATION
#define OPTION_DEFAULT OSIRIS_STR("15m")
#include "base.h"
#include "options.h"
DEFECT_MODULE
