// What osiris and osiris-http say to each other, over the pipes between them: frames of texts. A frame is the length of
// what follows (8 bytes), then each text with its length (4 bytes) before it; numbers are little endian. The two are
// one build, so no frame has a version.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/http/curl_transport.h"

namespace osiris::http {

using Frame = std::vector<std::string>;

std::string to_bytes(const Frame& frame);
// Takes the first frame off `bytes`; nullopt: it is not whole yet. kInternal when the bytes are none.
Result<std::optional<Frame>> take_frame(std::string& bytes);

// Each has a reader that fails with kInternal on a frame that the writer does not write.
Frame options_frame(const CurlOptions& options);
Result<CurlOptions> options_of(const Frame& frame);
// A request without a body_stream.
Frame request_frame(const Request& request);
Result<Request> request_of(const Frame& frame);
Frame result_frame(const ExchangeResult& result);
Result<ExchangeResult> result_of(const Frame& frame);

}  // namespace osiris::http
