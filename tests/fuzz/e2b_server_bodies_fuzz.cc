// The local E2B server's parsers of request bodies on hostile bytes: Connect envelopes and multipart forms give the
// same whatever way the bytes are cut; ranges, forms, gzip and fault plans never crash. The first byte chooses the cut.
//
// links: osiris_e2b_server
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "servers/e2b/connect_codec.h"
#include "servers/e2b/fault_plan.h"
#include "servers/e2b/gunzip.h"
#include "servers/e2b/http_range.h"
#include "servers/e2b/multipart.h"

namespace {

using namespace osiris::e2b_server;
using osiris::Status;

std::string envelopes(std::string_view bytes, size_t piece) {
  EnvelopeReader reader;
  std::string seen;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.substr(at, piece));
    for (auto next = reader.next(); next.ok() && next->has_value(); next = reader.next())
      seen += std::to_string((*next)->flags) + ":" + (*next)->payload + ";";
  }
  return seen;
}

std::string parts(std::string_view bytes, size_t piece) {
  std::string seen;
  MultipartReader reader(
      "XX", {[&](const std::string& name, const std::string& file) {
               return seen += "[" + name + "|" + file + "]", Status();
             },
             [&](std::string_view data) { return seen += data, Status(); }, [&] { return seen += ";", Status(); }});
  for (size_t at = 0; at < bytes.size(); at += piece)
    if (!reader.feed(bytes.substr(at, piece)).ok()) return "refused";
  return seen + (reader.finish().ok() ? "." : "!");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0] % 37;
  if (envelopes(bytes, bytes.size() + 1) != envelopes(bytes, piece)) std::abort();
  // Content is passed on in other pieces, never in another order; a part torn off at the end may hold some of it back.
  const std::string whole = parts(bytes, bytes.size() + 1);
  if (whole.ends_with('.') && whole != parts(bytes, piece)) std::abort();
  const RangeAnswer range = answer_range(bytes, 1000);
  if (range.offset + range.length > 1000) std::abort();
  parse_form(bytes);
  std::string unpacked;
  if (!Gunzip().feed(bytes.substr(0, 4096), unpacked).ok()) unpacked.clear();
  if (const auto document = osiris::parse_json(bytes); document.ok()) {
    const auto faults = parse_faults(*document);
    if (faults.ok() && faults->size() > size) std::abort();
  }
  return 0;
}
