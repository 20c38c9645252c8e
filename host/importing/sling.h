// A replication file of Sling as pipelines, one for each stream.
#pragma once

#include <map>
#include <string>

#include "host/importing/imported.h"
#include "host/yaml/diagnostic.h"
#include "protocol/base/error.h"

namespace osiris {

// `families` says what kind of system a connection of the file is ("postgres"), where its name does not.
// kInvalidArgument for a document without source, target and streams.
Result<Imported> import_sling(const Json& document, const std::map<std::string, std::string>& families);

}  // namespace osiris
