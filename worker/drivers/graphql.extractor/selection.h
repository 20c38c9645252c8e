// What the text of a GraphQL query says of its answer: the kind of operation, and the columns that its selection gives.
// It reads as much of the language as that needs (October 2021 edition, 2.1 to 2.8); errors are the server's to tell.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/drivers/web/json_path.h"

namespace osiris::worker::graphql {

struct QueryText {
  size_t operations = 0;
  bool only_reads = true;  // no mutation and no subscription
  // The leaves below the data path, in their order: "id", "bed.row" where objects are flattened, "bed" where they are
  // not. Empty where the text does not say.
  std::vector<std::string> columns;
};

// nullopt for what cannot be read as a query.
std::optional<QueryText> read_query(std::string_view query, const web::JsonPath& data_path, bool flattens);

}  // namespace osiris::worker::graphql
