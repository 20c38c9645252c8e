/* Without a sin: what the other output_ defects are measured by. */
#include "outputs.h"
DEFECT_MODULE
