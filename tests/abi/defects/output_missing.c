/* Says and reports an output that it never writes. */
#define WRITES 0
#include "outputs.h"
DEFECT_MODULE
