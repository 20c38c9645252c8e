// What reading and writing CSV have in common: the names of encodings, and where the file is.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "worker/driver_api/driver.h"

namespace osiris::worker::csv_format {

enum class Encoding { kUtf8, kUtf16, kAscii, kLatin1 };

// "utf-8", "utf-16", "ascii", "latin-1", "iso-8859-1"; any case.
std::optional<Encoding> encoding_from_name(std::string_view name);

// Where the file of this path is read, or written. The connection's base_dir is part of what a plan says of it; a path
// that no plan names starts there.
std::filesystem::path input_file(const StepContext& step, std::string_view path);
std::filesystem::path output_file(const StepContext& step, std::string_view path);

}  // namespace osiris::worker::csv_format
