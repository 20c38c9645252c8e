/* Claims ABI 2 behind the entry of ABI 1. */
#define MODULE_ABI OSIRIS_ABI(2, 0)
#include "base.h"
DEFECT_MODULE
