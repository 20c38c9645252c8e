/* Built with a header from before 1.0. */
#define MODULE_ABI OSIRIS_ABI(0, 9)
#include "base.h"
DEFECT_MODULE
