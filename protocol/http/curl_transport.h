// The transport that talks to a network: libcurl's multi interface on one thread of its own.
#pragma once

#include <memory>
#include <string>

#include "protocol/http/transport.h"

namespace osiris::http {

struct CurlOptions {
  std::string ca_file;         // PEM, trusted beside the system's store
  std::string system_ca_file;  // PEM; the system's store where it is not libcurl's own
  // The caller decides whether the environment is honoured; libcurl does not look there.
  std::string proxy;        // for every request; empty: none
  std::string https_proxy;  // for https URLs where `proxy` is empty
  std::string http_proxy;   // for http URLs likewise
  std::string no_proxy;     // hosts asked without a proxy, separated by commas
  std::string user_agent = "osiris";
  long connections_max = 16;
  // False only where the user says so of a server of their own: then any certificate will do.
  bool verifies_certificates = true;
};

// A request that is not idempotent is never sent twice, not even by curl itself. Connections are reused, HTTP/2 is
// spoken where TLS offers it, redirects are not followed (they would carry the API key away), and only http and https
// are allowed. Exchanges may be opened from any thread; all must be gone before the transport is.
class CurlTransport : public Transport {
 public:
  explicit CurlTransport(CurlOptions options = {});
  ~CurlTransport() override;
  std::unique_ptr<Exchange> open(Request request) override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace osiris::http
