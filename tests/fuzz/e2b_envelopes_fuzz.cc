// What a sandbox's envd can send on a process stream: the envelope decoder and the events made of it never crash, hold
// no more than they were given, and say the same whatever way the bytes are cut. What we encode is decoded as it was.
// The first byte chooses the cut.
//
// links: osiris_e2b
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "plugins/e2b/api/connect_codec.h"
#include "plugins/e2b/api/envd.h"

namespace {

using namespace osiris;

std::string envelopes(std::string_view bytes, size_t piece) {
  e2b::EnvelopeDecoder decoder;
  std::string seen;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    decoder.feed(bytes.substr(at, piece));
    for (;;) {
      const auto next = decoder.next();
      if (!next) return seen + "!" + next.error().message;  // final: nothing more is asked for
      if (!*next) break;
      seen += ((*next)->end_of_stream ? "E" : "M") + std::to_string((*next)->payload.size()) + (*next)->payload;
    }
  }
  return seen + (decoder.has_partial() ? "+" : ".");
}

// An answer of 200 whose body comes in pieces.
class PiecesExchange final : public http::Exchange {
 public:
  PiecesExchange(std::string_view bytes, size_t piece) : bytes_(bytes), piece_(piece) { response_.status = 200; }
  Result<const http::Response*> head() override { return static_cast<const http::Response*>(&response_); }
  Result<std::string> read(http::Milliseconds) override {
    const std::string_view part = bytes_.substr(0, piece_);
    bytes_.remove_prefix(part.size());
    return std::string(part);
  }
  void cancel() override {}
  bool reached_server() const override { return true; }

 private:
  std::string_view bytes_;
  const size_t piece_;
  http::Response response_;
};

std::string events(std::string_view bytes, size_t piece) {
  e2b::ProcessStream stream(std::make_unique<PiecesExchange>(bytes, piece), "listen");
  std::string seen;
  for (;;) {
    const auto event = stream.next(http::Milliseconds(0));
    if (!event) {
      if (event.error().message.empty() || stream.next(http::Milliseconds(0)).ok()) std::abort();
      return seen + event.error().message;
    }
    seen += std::to_string(static_cast<int>(event->kind)) + ":" + std::to_string(event->pid) + ":" +
            std::to_string(event->exit_code) + ":" + event->bytes + event->status + ";";
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0] % 37;
  if (envelopes(bytes, bytes.size() + 1) != envelopes(bytes, piece)) std::abort();
  if (events(bytes, bytes.size() + 1) != events(bytes, piece)) std::abort();
  // The same bytes as a message of ours.
  if (envelopes(e2b::encode_envelope(bytes), piece) != "M" + std::to_string(bytes.size()) + std::string(bytes) + ".")
    std::abort();
  return 0;
}
