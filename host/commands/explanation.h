// What an adapter says a run would touch (extension osiris.explain/1), for dry runs and for the doctor. The host shows
// it and does not know what it means.
#pragma once

#include <string>
#include <vector>

#include "host/adapters/instance.h"
#include "host/adapters/options.h"

namespace osiris {

struct Explanation {
  std::vector<std::string> facts;  // "network: db.example.org:3306 …", with where its options came from
  std::vector<std::string> warnings;
  Json document;  // as delivered; null when the adapter has none
};

// Of an instance that is validated and whose adapter has the extension. The error is the adapter's.
Result<Explanation> ask_explanation(AdapterInstance& adapter, const AdapterRequest& request,
                                    const ResolvedOptions& options);

}  // namespace osiris
