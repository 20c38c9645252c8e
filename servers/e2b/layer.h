// A layer is what a sandbox may write, as two directories: `root` (everything but /usr) and `usr-local` (/usr/local). A
// template is a layer at rest; a sandbox starts with a copy of one. Copies never share writable blocks: reflinks where
// the file system has them, bytes elsewhere, never hard links.
#pragma once

#include <filesystem>

#include "protocol/base/error.h"

namespace osiris::e2b_server {

// The layer of the `base` template: home, /tmp, accounts, a profile. Owned by id_base + (0 or 1000) when id_base is not
// 0.
Status make_base_layer(const std::filesystem::path& layer, unsigned id_base);
// With owners, modes, times, links and user.* attributes; sockets and pipes are left out. `to` must not exist.
Status copy_layer(const std::filesystem::path& from, const std::filesystem::path& to);
// Also what other ids own or made unreadable.
Status remove_layer(const std::filesystem::path& layer);
// Bytes of the files in it.
uint64_t layer_size_bytes(const std::filesystem::path& layer);

}  // namespace osiris::e2b_server
