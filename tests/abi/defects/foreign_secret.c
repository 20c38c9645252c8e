/* Asks for a secret that is neither declared nor named by the request. */
#include "base.h"
static void keep(void* user, osiris_str value) OSIRIS_NOEXCEPT {
  (void)value;
  *(int*)user = 1;
}
static osiris_status the_sin(osiris_adapter* self, const osiris_request* request) {
  int lent = 0;
  const osiris_status status = self->host->with_secret(self->host, str("connection/mysql.shop/password"), keep, &lent);
  if (status != OSIRIS_NOT_FOUND || lent) return OSIRIS_INTERNAL;
  return good_execute(self, request);
}
#undef EXECUTE
#define EXECUTE the_sin
DEFECT_MODULE
