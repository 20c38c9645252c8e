/* An option name that is no flag. */
#define OPTION_NAME "Patience"
#include "base.h"
#include "options.h"
DEFECT_MODULE
