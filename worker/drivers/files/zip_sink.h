// A zip archive with one file in it, written by minizip.
#pragma once

#include <filesystem>
#include <memory>

#include "worker/drivers/files/byte_sink.h"

namespace osiris::worker::files {

// The file inside is called as `path`, without ".zip": out.csv for out.csv.zip, and for out.zip too.
std::unique_ptr<ByteSink> make_zip_sink(const std::filesystem::path& path, ReplacingFile& file);

}  // namespace osiris::worker::files
