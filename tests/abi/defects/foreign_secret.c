/* Asks for a secret that nobody listed. */
#include "base.h"
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  (void)request;
  const osiris_status status = self->host->with_secret(self->host, str("connection/mysql.shop/password"), NULL, NULL);
  if (status != OSIRIS_INVALID_ARGUMENT) return OSIRIS_INTERNAL;
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
