/* --my-cloud-x could be option "cloud-x" of "my" or "x" of "my-cloud". */
#define ID "my-cloud"
#include "base.h"
DEFECT_MODULE
