#include "worker/drivers/program/csv_header.h"

#include <algorithm>
#include <utility>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::program {
namespace {

Error bad(const std::string& why) { return Error(Code::kStepFailed, "its first line " + why); }

}  // namespace

Result<std::vector<std::string>> read_csv_header(std::string_view front, bool is_whole) {
  front = without_utf8_mark(front);
  std::vector<std::string> names;
  std::string name;
  bool quoted = false, ended = false;
  for (size_t i = 0; i < front.size() && !ended; ++i) {
    const char c = front[i];
    if (quoted) {
      if (c != '"') {
        name += c;
      } else if (i + 1 < front.size() && front[i + 1] == '"') {
        name += front[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && name.empty()) {
      quoted = true;
    } else if (c == ',') {
      names.push_back(std::exchange(name, {}));
    } else if (c == '\n' || c == '\r') {
      ended = true;
    } else {
      name += c;
    }
  }
  if (quoted) return bad("has a quote that is not closed");
  if (!ended && !is_whole) return bad("is too long to be names of columns");
  names.push_back(std::move(name));
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& one = names[i];
    if (!is_valid_utf8(one)) return bad("is no UTF-8 text");
    if (one.find('\0') != std::string::npos)
      return bad("has a NUL character in the name of column " + std::to_string(i + 1));
    if (one.empty()) return bad("gives column " + std::to_string(i + 1) + " no name");
    if (std::count(names.begin(), names.end(), one) > 1) return bad("names the column " + one + " twice");
  }
  return names;
}

}  // namespace osiris::worker::program
