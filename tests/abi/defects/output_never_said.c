/* Writes and reports an output that no step was seen to write. */
#define SAYS_WRITTEN 0
#include "outputs.h"
DEFECT_MODULE
