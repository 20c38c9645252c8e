// Throw-away authorities and a server certificate, made with the openssl program.
#pragma once

#include <filesystem>
#include <string>

#include "protocol/base/error.h"

namespace osiris::test {

// Into `directory`: ca.pem and other-ca.pem (two authorities), server.pem and server.key (signed by the first, for the
// DNS name `name`). `is_expired`: the server's is of yesterday.
Status make_certificates(const std::filesystem::path& directory, const std::string& name, bool is_expired = false);

}  // namespace osiris::test
