// Rows as binary COPY has them, on their way from one server to another without being made anything else.
#pragma once

#include <libpq-fe.h>

#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker::postgres {

// A column as the server sends it. Labels of an enum are texts.
struct SentColumn {
  Oid type = InvalidOid;  // InvalidOid: not to be handed on
  int modifier = -1;
};

struct CopyForm : SourceRows::Form {
  std::vector<SentColumn> columns;
};

}  // namespace osiris::worker::postgres
