#include "worker/drivers/graphql.extractor/selection.h"

#include <algorithm>
#include <map>

namespace osiris::worker::graphql {
namespace {

constexpr int kDepthMax = 64;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct Selection;
using Selections = std::vector<Selection>;
// A field with its sub-selection; a spread has only `fragment`, an inline fragment only `inside`.
struct Selection {
  std::string name;  // as the answer has it: the alias, where there is one
  std::string fragment;
  Selections inside;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { next(); }

  struct Document {
    size_t operations = 0;
    bool only_reads = true;
    Selections root;  // of the last operation
    std::map<std::string, Selections> fragments;
  };

  std::optional<Document> read() {
    Document document;
    while (!token_.empty()) {
      if (token_ == "fragment") {
        next();
        const std::string name(token_);
        if (!skip_to_selection() || !selections(document.fragments[name], 0)) return std::nullopt;
        continue;
      }
      if (token_ == "mutation" || token_ == "subscription") document.only_reads = false;
      ++document.operations;
      document.root.clear();
      if (!skip_to_selection() || !selections(document.root, 0)) return std::nullopt;
    }
    return failed_ ? std::nullopt : std::optional(std::move(document));
  }

 private:
  // One token: a punctuator, "...", a name or number, or a text.
  void next() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
        ++at_;
      } else if (text_.substr(at_).starts_with("\xEF\xBB\xBF")) {
        at_ += 3;
      } else {
        break;
      }
    }
    const size_t begin = at_;
    if (at_ >= text_.size()) {
      token_ = {};
    } else if (text_.substr(at_).starts_with("...")) {
      at_ += 3;
      token_ = text_.substr(begin, 3);
    } else if (text_[at_] == '"') {
      text();
      token_ = text_.substr(begin, at_ - begin);
    } else {
      while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
      if (at_ == begin) ++at_;
      token_ = text_.substr(begin, at_ - begin);
    }
  }

  void text() {
    const bool is_block = text_.substr(at_).starts_with("\"\"\"");
    at_ += is_block ? 3 : 1;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\') {
        at_ += 2;
      } else if (is_block ? text_.substr(at_).starts_with("\"\"\"") : text_[at_] == '"') {
        at_ += is_block ? 3 : 1;
        return;
      } else {
        ++at_;
      }
    }
    failed_ = true;
  }

  // Over arguments, in brackets of any kind, which may hold braces.
  bool skip_parentheses() {
    int depth = 0;
    do {
      if (token_ == "(") ++depth;
      if (token_ == ")") --depth;
      if (token_.empty()) return false;
      next();
    } while (depth > 0);
    return true;
  }

  // Over names, variables and directives, to the brace that opens a selection.
  bool skip_to_selection() {
    while (token_ != "{") {
      if (token_.empty() || token_ == "}") return false;
      if (token_ == "(") {
        if (!skip_parentheses()) return false;
      } else {
        next();
      }
    }
    return true;
  }

  bool skip_directives() {
    while (token_ == "@") {
      next();
      next();
      if (token_ == "(" && !skip_parentheses()) return false;
    }
    return true;
  }

  bool spread(Selections& into, int depth) {
    next();
    Selection selection;
    if (token_ != "on" && token_ != "{" && token_ != "@") {
      selection.fragment = token_;
      next();
      if (!skip_directives()) return false;
    } else if (!skip_to_selection() || !selections(selection.inside, depth + 1)) {
      return false;
    }
    into.push_back(std::move(selection));
    return true;
  }

  bool selections(Selections& into, int depth) {
    if (depth > kDepthMax) return false;
    next();
    while (token_ != "}") {
      if (token_ == "...") {
        if (!spread(into, depth)) return false;
        continue;
      }
      if (token_.empty() || !is_name_char(token_[0])) return false;
      Selection field;
      field.name = token_;
      next();
      if (token_ == ":") {
        next();
        next();
      }
      if (token_ == "(" && !skip_parentheses()) return false;
      if (!skip_directives()) return false;
      if (token_ == "{" && !selections(field.inside, depth + 1)) return false;
      into.push_back(std::move(field));
    }
    next();
    return true;
  }

  std::string_view text_, token_;
  size_t at_ = 0;
  bool failed_ = false;
};

class Columns {
 public:
  Columns(const Reader::Document& document, bool flattens) : document_(document), flattens_(flattens) {}

  // The fields of a selection, those of its fragments among them.
  std::vector<const Selection*> fields(const Selections& selections, int depth = 0) const {
    std::vector<const Selection*> all;
    if (depth > kDepthMax) return all;  // fragments that name each other
    for (const Selection& selection : selections) {
      if (!selection.name.empty()) {
        all.push_back(&selection);
        continue;
      }
      const auto found = document_.fragments.find(selection.fragment);
      const Selections& inside = found == document_.fragments.end() ? selection.inside : found->second;
      const auto more = fields(inside, depth + 1);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }

  void leaves(const Selections& selections, const std::string& prefix, std::vector<std::string>& names, int depth = 0) {
    if (depth > kDepthMax) return;
    for (const Selection* field : fields(selections)) {
      const std::string name = prefix + field->name;
      if (flattens_ && !field->inside.empty())
        leaves(field->inside, name + ".", names, depth + 1);
      else if (std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    }
  }

 private:
  const Reader::Document& document_;
  const bool flattens_;
};

}  // namespace

std::optional<QueryText> read_query(std::string_view query, const web::JsonPath& data_path, bool flattens) {
  const auto document = Reader(query).read();
  if (!document) return std::nullopt;
  QueryText text{document->operations, document->only_reads, {}};
  Columns columns(*document, flattens);
  const Selections* here = &document->root;
  bool is_data = true;  // the first member of the path
  for (const web::PathStep& step : data_path.steps()) {
    if (step.kind != web::PathStep::Kind::kMember) continue;  // an item of a list has the list's fields
    if (is_data) {
      is_data = false;
      if (step.name != "data") return text;
      continue;
    }
    const auto fields = columns.fields(*here);
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Selection* field) { return field->name == step.name; });
    if (found == fields.end()) return text;
    here = &(*found)->inside;
  }
  if (!is_data) columns.leaves(*here, "", text.columns);
  return text;
}

}  // namespace osiris::worker::graphql
