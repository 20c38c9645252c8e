/* Would claim --run-... and OSIRIS_RUN_... */
#define ID "run"
#include "base.h"
DEFECT_MODULE
