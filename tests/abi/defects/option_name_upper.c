/* An option name that is no flag. */
#define OPTION_NAME "Patience"
#include "options.h"

#include "base.h"
DEFECT_MODULE
