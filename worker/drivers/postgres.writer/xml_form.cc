#include "worker/drivers/postgres.writer/xml_form.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::worker::postgres {
namespace {

constexpr std::string_view kBegin = "<?xml", kEnd = "?>", kBlanks = " \t\r\n";

// All of `<?xml … ?>` at the front; empty: there is none.
std::string_view declaration_of(std::string_view xml) {
  if (!xml.starts_with(kBegin) || xml.size() == kBegin.size() ||
      kBlanks.find(xml[kBegin.size()]) == std::string_view::npos)
    return {};
  const size_t end = xml.find(kEnd);
  return end == std::string_view::npos ? std::string_view() : xml.substr(0, end + kEnd.size());
}

// The value of `name = "…"` in a declaration.
std::string_view attribute(std::string_view declaration, std::string_view name) {
  const size_t at = declaration.find(name);
  if (at == std::string_view::npos) return {};
  const size_t begin = declaration.find_first_of("\"'", at + name.size());
  if (begin == std::string_view::npos) return {};
  const size_t end = declaration.find(declaration[begin], begin + 1);
  return end == std::string_view::npos ? std::string_view() : declaration.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::string canonical_xml(std::string_view text) {
  const std::string_view declaration = declaration_of(text);
  text.remove_prefix(declaration.size());
  const std::string_view version = attribute(declaration, "version"), alone = attribute(declaration, "standalone");
  if (alone.empty() && (version.empty() || version == "1.0")) {
    while (text.starts_with('\n')) text.remove_prefix(1);
    return std::string(text);
  }
  return std::string(kBegin) + " " + std::string(version) + " " + std::string(alone) + std::string(kEnd) +
         std::string(text);
}

bool is_read_as_another_encoding(std::string_view xml) {
  const std::string encoding = ascii_lower(attribute(declaration_of(xml), "encoding"));
  if (encoding.empty() || encoding == "utf-8" || encoding == "utf8" || encoding == "us-ascii") return false;
  return std::any_of(xml.begin(), xml.end(), [](char c) { return static_cast<signed char>(c) < 0; });
}

}  // namespace osiris::worker::postgres
