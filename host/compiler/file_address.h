// Paths of a pipeline that are addresses: https://host/a.csv, s3://bucket/key.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// "scheme://..."
bool is_address(std::string_view path);

// Whether it is one that files are read from. kInvalidArgument for other schemes, http:// to another machine, and what
// lacks a part.
Status check_file_address(const std::string& path);

// Where it leads, "host:port", by the fields of the step's connection (object or null); empty where it leads nowhere.
std::string host_of_address(const std::string& path, const Json& fields);

// host:port of a URL; empty when it is none.
std::string host_of_url(std::string_view url, int default_port);

}  // namespace osiris
