// What a file that is no CSV text most likely is, by its first bytes; for hints in errors.
#pragma once

#include <filesystem>
#include <string>

#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

// "the file begins like gzip: set compression: gzip"; empty when the bytes say nothing, or nothing new.
std::string hint_of_first_bytes(const Options& options);

}  // namespace osiris::worker::csv
