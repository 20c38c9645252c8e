// dlt's configuration as pipelines: those of its sources `sql_database` (a pipeline for each table) and `filesystem`.
#pragma once

#include <string>

#include "host/importing/imported.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// `configuration` is .dlt/config.toml with .dlt/secrets.toml over it. No value that a secret's name has is read, nor is
// the password of an address; what else it says of a connection is in `left`. kInvalidArgument without any source.
Result<Imported> import_dlt(const Json& configuration);

// `over` into `base`, table by table, as dlt reads its two files.
void merge_configuration(Json& base, const Json& over);

}  // namespace osiris
