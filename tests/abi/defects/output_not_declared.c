/* Writes and says an output, and reports none. */
#define REPORTS 0
#include "outputs.h"
DEFECT_MODULE
