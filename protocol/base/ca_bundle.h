// Where this machine keeps the certificates that it trusts. The library is linked statically, so the place that its
// build knew (Debian's) need not be the one of the machine it runs on.
#pragma once

#include <string>
#include <vector>

namespace osiris {

// The first of `places` that can be read; empty: none.
std::string first_readable(const std::vector<std::string>& places);
// The bundle (PEM) of Debian, Fedora and Red Hat, openSUSE or Alpine, whichever is there; empty: none of them.
std::string system_ca_file();

}  // namespace osiris
