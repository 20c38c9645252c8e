/* Required, and yet with a default. */
#define OPTION_FLAGS OSIRIS_REQUIRED
#define OPTION_DEFAULT OSIRIS_STR("x")
#include "base.h"
#include "options.h"
DEFECT_MODULE
