/* Reports the output at another place than the pipeline names. */
#define REPORTED_BESIDE ".part"
#include "outputs.h"
DEFECT_MODULE
