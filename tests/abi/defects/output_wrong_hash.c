/* Writes other bytes than it says, as many. */
#define CONTENT "y\n"
#include "outputs.h"
DEFECT_MODULE
