/* Says and reports an output that it never writes. */
#define CONTENT NULL
#include "outputs.h"
DEFECT_MODULE
