/* Works only in a host of ABI 1.9. */
#define MIN_HOST_ABI OSIRIS_ABI(1, 9)
#define MODULE_ABI OSIRIS_ABI(1, 9)
#include "base.h"
DEFECT_MODULE
