#include "worker/drivers/web/json_path.h"

#include <charconv>

#include "protocol/base/categories.h"

namespace osiris::worker::web {
namespace {

class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  Result<std::vector<PathStep>> read() {
    std::vector<PathStep> steps;
    if (text_.starts_with('$')) at_ = 1;
    while (at_ < text_.size()) {
      PathStep step;
      if (text_[at_] == '[') {
        ++at_;
        OSIRIS_ASSIGN(step, in_brackets());
      } else {
        if (text_[at_] == '.')
          ++at_;
        else if (at_ > 0)
          return refuse("expected '.' or '['");
        OSIRIS_ASSIGN(step, after_dot());
      }
      steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  Result<PathStep> after_dot() {
    const size_t end = std::min(text_.find_first_of(".[", at_), text_.size());
    const std::string_view name = text_.substr(at_, end - at_);
    if (name.empty()) return refuse("expected a name; '..' is not supported");
    at_ = end;
    if (name == "*") return PathStep{PathStep::Kind::kAll, {}, 0};
    return PathStep{PathStep::Kind::kMember, std::string(name), 0};
  }

  Result<PathStep> in_brackets() {
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      const char quote = text_[at_];
      const size_t end = text_.find(quote, at_ + 1);
      if (end == std::string_view::npos || end + 1 >= text_.size() || text_[end + 1] != ']')
        return refuse("the quote is not closed by " + std::string(1, quote) + "]");
      PathStep step{PathStep::Kind::kMember, std::string(text_.substr(at_ + 1, end - at_ - 1)), 0};
      at_ = end + 2;
      return step;
    }
    const size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return refuse("the bracket is not closed");
    const std::string_view inside = text_.substr(at_, end - at_);
    PathStep step;
    if (inside == "*") {
      step.kind = PathStep::Kind::kAll;
    } else {
      step.kind = PathStep::Kind::kItem;
      const auto [stop, failed] = std::from_chars(inside.data(), inside.data() + inside.size(), step.item);
      if (failed != std::errc() || stop != inside.data() + inside.size())
        return refuse("expected a number, '*' or a name in quotes between the brackets");
    }
    at_ = end + 1;
    return step;
  }

  Error refuse(const std::string& why) const {
    return Error(
        Code::kInvalidArgument,
        "the path '" + std::string(text_) + "' cannot be read at character " + std::to_string(at_ + 1) + ": " + why,
        "Write it like data.users, data.edges[*].node or data['a b'][0].", category::kConfigInvalid);
  }

  std::string_view text_;
  size_t at_ = 0;
};

void follow(const PathStep& step, const Json& value, std::vector<const Json*>& found) {
  switch (step.kind) {
    case PathStep::Kind::kMember:
      if (const Json* member = value.find(step.name)) found.push_back(member);
      return;
    case PathStep::Kind::kItem: {
      const auto count = static_cast<int64_t>(value.items().size());
      const int64_t item = step.item < 0 ? count + step.item : step.item;
      if (value.is_array() && item >= 0 && item < count) found.push_back(&value.items()[static_cast<size_t>(item)]);
      return;
    }
    case PathStep::Kind::kAll:
      if (value.is_array())
        for (const Json& item : value.items()) found.push_back(&item);
      else
        for (const auto& [name, member] : value.members()) found.push_back(&member);
  }
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath path;
  OSIRIS_ASSIGN(path.steps_, PathReader(text).read());
  return path;
}

std::vector<const Json*> JsonPath::find(const Json& document) const {
  std::vector<const Json*> found{&document};
  for (const PathStep& step : steps_) {
    std::vector<const Json*> next;
    for (const Json* value : found) follow(step, *value, next);
    found = std::move(next);
  }
  return found;
}

const Json* JsonPath::first(const Json& document) const {
  const auto found = find(document);
  return found.empty() ? nullptr : found.front();
}

}  // namespace osiris::worker::web
