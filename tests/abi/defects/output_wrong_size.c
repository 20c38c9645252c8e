/* Writes more than it says. */
#define CONTENT "x\nx\n"
#include "outputs.h"
DEFECT_MODULE
