// graphql.extractor: rows from a GraphQL endpoint, page by page. Parts:
//   options.h    what the step and its connection ask for
//   selection.h  what the query's text says of its columns
//   pages.h      the variables of the next page, from the answer to the last one
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& graphql_extractor();

}  // namespace osiris::worker
