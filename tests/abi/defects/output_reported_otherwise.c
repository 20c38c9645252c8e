/* Reports another size than its step said. */
#define REPORTED_SIZE 3
#include "outputs.h"
DEFECT_MODULE
