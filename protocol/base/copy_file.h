// Copies of files, whose errors are those of the call that failed: the standard library's copy calls a full disk an
// input/output error.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/replacing_file.h"

namespace osiris {

// The file's bytes, a bounded piece at a time, up to the first error of `visit`, which is returned.
Status read_in_pieces(const std::filesystem::path& file, const std::function<Status(std::string_view)>& visit);

// Into a file that is open; the caller commits it.
Status copy_into(const std::filesystem::path& from, ReplacingFile& to);

// `to` appears whole and with the mode of `from`, or stays what it was; its directory is there. kNotFound where `from`
// is not.
Status copy_whole_file(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace osiris
