#include "protocol/base/ca_bundle.h"

#include <unistd.h>

namespace osiris {

std::string first_readable(const std::vector<std::string>& places) {
  for (const std::string& place : places)
    if (::access(place.c_str(), R_OK) == 0) return place;
  return "";
}

std::string system_ca_file() {
  return first_readable({"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                         "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem",
                         "/etc/ssl/cert.pem"});
}

}  // namespace osiris
