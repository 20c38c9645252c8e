/* Required, and yet with a default. */
#define OPTION_FLAGS OSIRIS_REQUIRED
#define OPTION_DEFAULT OSIRIS_STR("x")
#include "options.h"

#include "base.h"
DEFECT_MODULE
