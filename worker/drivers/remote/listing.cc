#include "worker/drivers/remote/listing.h"

#include <charconv>
#include <utility>

#include "protocol/base/categories.h"

namespace osiris::worker::remote {
namespace {

std::string without_entities(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&#34;", '"'}, {"&#39;", '\''}};
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    bool is_entity = false;
    for (const auto& [entity, character] : kEntities)
      if (text.substr(at).starts_with(entity)) {
        plain += character;
        at += entity.size();
        is_entity = true;
        break;
      }
    if (!is_entity) plain += text[at++];
  }
  return plain;
}

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    const char* hex = text.data() + at + 1;
    if (text[at] == '%' && at + 2 < text.size() && std::from_chars(hex, hex + 2, value, 16).ptr == hex + 2) {
      plain += static_cast<char>(value);
      at += 2;
    } else {
      plain += text[at] == '+' ? ' ' : text[at];
    }
  }
  return plain;
}

}  // namespace

std::string element_of(std::string_view xml, const std::string& name) {
  const std::string begin = "<" + name + ">";
  const size_t at = xml.find(begin);
  if (at == std::string_view::npos) return {};
  const size_t end = xml.find("</" + name + ">", at);
  if (end == std::string_view::npos) return {};
  return without_entities(xml.substr(at + begin.size(), end - at - begin.size()));
}

Result<Listing> read_listing(std::string_view xml) {
  const auto wrong = [](const std::string& what) {
    return Error(Code::kStepFailed, "the server's listing cannot be read: " + what,
                 "check the connection's endpoint: it should be that of an S3 service", category::kExtractQueryFailed);
  };
  if (xml.find("<ListBucketResult") == std::string_view::npos) return wrong("it has no ListBucketResult");
  if (xml.find("</ListBucketResult>") == std::string_view::npos) return wrong("it is cut short");
  const bool is_encoded = element_of(xml, "EncodingType") == "url";
  Listing listing;
  constexpr std::string_view kBegin = "<Contents>", kEnd = "</Contents>";
  for (size_t at = xml.find(kBegin); at != std::string_view::npos; at = xml.find(kBegin, at)) {
    const size_t end = xml.find(kEnd, at);
    if (end == std::string_view::npos) return wrong("an entry has no end");
    const std::string_view entry = xml.substr(at, end - at);
    ListedObject object;
    object.key = element_of(entry, "Key");
    if (is_encoded) object.key = percent_decoded(object.key);
    object.etag = element_of(entry, "ETag");
    const std::string size = element_of(entry, "Size");
    if (object.key.empty() || size.empty() ||
        std::from_chars(size.data(), size.data() + size.size(), object.size).ptr != size.data() + size.size())
      return wrong("an entry has no key, or no size");
    listing.objects.push_back(std::move(object));
    at = end;
  }
  if (element_of(xml, "IsTruncated") == "true") {
    listing.next = element_of(xml, "NextContinuationToken");
    if (listing.next.empty()) return wrong("it goes on, and does not say where");
  }
  return listing;
}

}  // namespace osiris::worker::remote
