// What of an adapter's settings people may read.
#pragma once

#include <osiris/adapter.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace osiris::sdk {

// For the document "prepared": those that are not sensitive, without passwords of URLs.
std::vector<std::pair<std::string, std::string>> shown_options(std::span<const osiris_option> options,
                                                               const std::vector<plugin::Setting>& settings);

}  // namespace osiris::sdk
