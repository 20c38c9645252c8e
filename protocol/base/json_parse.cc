// parse_json: nlohmann's parser, which is iterative and strict, fed into our own values
// (docs/decisions/0050-json-library.md). What it leaves to its user is done here: a bound on depth, the last of equal
// keys, errors that never quote the text (it may hold a secret).
#include <nlohmann/json.hpp>

#include <algorithm>

#include "protocol/base/json.h"

namespace osiris {
namespace {

bool has_double(const Json::Object& members) {
  for (size_t i = 1; i < members.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (members[i].first == members[j].first) return true;
  return false;
}

// A key that comes twice has its last value, as everywhere JSON is read; two readers must never see two values.
void keep_last(Json::Object& members) {
  if (members.size() <= 16 && !has_double(members)) return;  // nearly always, and without an allocation
  std::vector<size_t> order(members.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int compared = members[a].first.compare(members[b].first);
    return compared != 0 ? compared < 0 : a < b;
  });
  std::vector<bool> overridden;
  for (size_t i = 1; i < order.size(); ++i) {
    if (members[order[i]].first != members[order[i - 1]].first) continue;
    overridden.resize(members.size());
    overridden[order[i - 1]] = true;
  }
  if (overridden.empty()) return;
  size_t kept = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    if (overridden[i]) continue;
    if (kept != i) members[kept] = std::move(members[i]);
    ++kept;
  }
  members.resize(kept);
}

// What the library calls its error, without the place and without the text it read last.
std::string reason_of(std::string_view what) {
  const size_t begin = what.find(" - ");
  if (begin == std::string_view::npos) return "a syntax error";
  const std::string_view reason = what.substr(begin + 3);
  return std::string(reason.substr(0, reason.find("; last read: ")));
}

// Builds a Json from the parser's events. The open containers are on a stack, so depth costs no recursion.
class Builder {
 public:
  using Text = nlohmann::json::string_t;

  bool null() { return add(Json()); }
  bool boolean(bool value) { return add(Json(value)); }
  bool number_integer(int64_t value) { return add(Json(value)); }
  bool number_unsigned(uint64_t value) { return add(Json(value)); }
  bool number_float(double value, const Text&) { return add(Json(value)); }
  bool string(Text& value) { return add(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) { return false; }  // of other formats
  bool start_object(size_t) { return open(Json::object()); }
  bool key(Text& name) {
    keys_.push_back(std::move(name));
    return true;
  }
  bool end_object() {
    keep_last(stack_.back().members());
    return close();
  }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool parse_error(size_t bytes_read, const std::string&, const nlohmann::json::exception& error) {
    constexpr int kNumberOverflow = 406;
    const std::string reason = error.id == kNumberOverflow ? "a number too big for a double" : reason_of(error.what());
    refuse("not valid JSON at byte " + std::to_string(bytes_read - std::min<size_t>(bytes_read, 1)) + ": " + reason);
    return false;
  }

  Result<Json> take() && {
    if (error_) return *std::move(error_);
    return std::move(root_);
  }

 private:
  void refuse(std::string message) { error_ = Error(Code::kInvalidArgument, std::move(message)); }

  bool open(Json container) {
    if (stack_.size() >= static_cast<size_t>(kJsonDepthMax)) {
      refuse("JSON nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
      return false;
    }
    stack_.push_back(std::move(container));
    return true;
  }

  bool close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    return add(std::move(done));
  }

  bool add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().is_array()) {
      stack_.back().push_back(std::move(value));
    } else {
      // Appended, so that a large object costs no quadratic search.
      stack_.back().members().emplace_back(std::move(keys_.back()), std::move(value));
      keys_.pop_back();
    }
    return true;
  }

  Json root_;
  std::vector<Json> stack_;        // the open containers
  std::vector<std::string> keys_;  // of members whose value is not there yet
  std::optional<Error> error_;
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  // No JSON holds a NUL; to the library it would be the end, and what follows it unread.
  if (const size_t at = text.find('\0'); at != std::string_view::npos)
    return Error(Code::kInvalidArgument, "not valid JSON at byte " + std::to_string(at) + ": a NUL");
  Builder builder;
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).take();
}

}  // namespace osiris
