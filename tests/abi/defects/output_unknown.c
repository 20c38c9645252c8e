/* Reports a file that the pipeline does not write. */
#define REPORTED_PATH "elsewhere.csv"
#include "outputs.h"
DEFECT_MODULE
