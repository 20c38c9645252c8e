// yaml-cpp's events turned into our tree. The only file that includes yaml-cpp; its exceptions end here.
//
// Bounds: depth, and the nodes that aliases and merge keys may add. yaml-cpp itself delivers an alias as one event and
// limits its own recursion, so a small hostile file can cost neither memory nor stack.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "host/compat/pyyaml_scalar.h"
#include "host/yaml/node.h"
#include "host/yaml/slip.h"
#include "host/yaml/text_lines.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr const char* kNotAKey = "a list or mapping cannot be a key";

// Thrown by our handler through yaml-cpp, caught in parse_yaml.
struct ParseError {
  Mark mark;
  std::string message;
  std::string hint;
};

struct SizedNode {
  YamlNode node;
  size_t nodes = 1;
  int height = 1;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const YamlLimits& limits, Diagnostics& diagnostics)
      : text_(text), limits_(limits), diagnostics_(diagnostics), line_starts_(line_starts(text)) {}

  // Where the last scalar of the text begins.
  Mark last_scalar() const { return last_scalar_; }
  YamlNode take() { return root_ ? std::move(root_->node) : YamlNode(); }

  // yaml-cpp counts from 0 and in bytes.
  Mark mark_of(const YAML::Mark& mark) const {
    if (mark.line < 0) return {};
    int column = mark.column;
    if (static_cast<size_t>(mark.line) < line_starts_.size() && column < 4096) {
      const std::string_view line = text_.substr(line_starts_[static_cast<size_t>(mark.line)]);
      int continuation = 0;
      for (size_t i = 0; i < static_cast<size_t>(mark.column) && i < line.size(); ++i)
        if (continues_utf8(line[i])) ++continuation;
      column -= continuation;
    }
    return {mark.line + 1, column + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override { document_ = mark_of(mark); }
  Mark document() const { return document_; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    SizedNode value;
    value.node.mark = mark_of(mark);
    add(std::move(value), anchor, false);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw ParseError{mark_of(mark), "an alias stands inside the node it names", {}};
    SizedNode copy = found->second;
    count_alias_nodes(copy.nodes, mark_of(mark));
    if (static_cast<int>(stack_.size()) + copy.height > limits_.depth_max) too_deep(mark_of(mark));
    add(std::move(copy), YAML::NullAnchor, false);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    SizedNode scalar;
    scalar.node.mark = last_scalar_ = mark_of(mark);
    const bool is_merge = tag == "?" && value == "<<" && expects_key();
    if (tag == "!" || tag == kTag + "str" || is_merge) {
      scalar.node.kind = YamlNode::Kind::kString;
      scalar.node.scalar = Json(value);
    } else if (tag == "?" && limits_.plain_scalar) {
      scalar.node.take_scalar(limits_.plain_scalar(value));
    } else {
      resolve(scalar.node, tag, value);
    }
    if (scalar.node.is_string()) scalar.node.folded_dashes = folded_dashes(mark, value);
    add(std::move(scalar), anchor, is_merge);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "!" && tag != kTag + "seq") unknown_tag(mark, tag);
    open(YamlNode::Kind::kSequence, mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "!" && tag != kTag + "map") unknown_tag(mark, tag);
    open(YamlNode::Kind::kMapping, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Key {
    std::string text;
    Mark mark;
    bool is_merge = false;
    std::string written;
  };
  struct Frame {
    SizedNode value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<Key> key;                         // read, its value not yet
    std::unordered_map<std::string, size_t> index;  // key -> position in members
    std::vector<YamlNode> merges;                   // in the order they apply, later ones yield to earlier ones
  };

  inline static const std::string kTag = "tag:yaml.org,2002:";
  static constexpr const char* kQuoteIt = "put the value in quotes if it is plain text";

  static std::string not_a_tag(const std::string& tag) {
    return "'" + tag.substr(0, 60) +
           "' is read as a tag, because '!' begins one in YAML, and is none that is known here";
  }

  [[noreturn]] void too_deep(Mark mark) const {
    throw ParseError{mark, "nested deeper than " + std::to_string(limits_.depth_max) + " levels", {}};
  }

  [[noreturn]] void unknown_tag(const YAML::Mark& mark, const std::string& tag) const {
    throw ParseError{mark_of(mark), not_a_tag(tag), kQuoteIt};
  }

  void count_alias_nodes(size_t nodes, Mark mark) {
    alias_nodes_ += nodes;
    if (alias_nodes_ > limits_.alias_nodes_max)
      throw ParseError{mark, "aliases expand to more than " + std::to_string(limits_.alias_nodes_max) + " values",
                       "write the values out"};
  }

  bool expects_key() const {
    return !stack_.empty() && stack_.back()->value.node.is_mapping() && !stack_.back()->key.has_value();
  }

  void resolve(YamlNode& node, const std::string& tag, const std::string& value) {
    if (const Status taken = node.take_plain(value); !taken)
      throw ParseError{node.mark, taken.error().message, taken.error().hint};
    if (tag == "?") {
      if (is_read_otherwise(value)) node.written = value;
      return;
    }
    const bool as_tagged = (tag == kTag + "int" && node.kind == YamlNode::Kind::kInt) ||
                           (tag == kTag + "bool" && node.kind == YamlNode::Kind::kBool) ||
                           (tag == kTag + "null" && node.kind == YamlNode::Kind::kNull) ||
                           (tag == kTag + "timestamp" && node.kind == YamlNode::Kind::kTimestamp) ||
                           (tag == kTag + "float" && node.scalar.is_number());
    if (!as_tagged)
      throw ParseError{
          node.mark,
          tag.starts_with(kTag) ? "'" + value.substr(0, 60) + "' is no value of the tag '" + tag + "'" : not_a_tag(tag),
          kQuoteIt};
    if (tag == kTag + "float" && node.kind == YamlNode::Kind::kInt) {
      node.kind = YamlNode::Kind::kFloat;
      node.scalar = Json(node.scalar.as_double());
    }
  }

  std::string_view line_at(size_t line) const {
    const size_t end = line + 1 < line_starts_.size() ? line_starts_[line + 1] : text_.size();
    return text_.substr(line_starts_[line], end - line_starts_[line]);
  }

  // Where a text in the file ends a line with "-- ..." that goes on behind it in the value: a comment that swallowed
  // the rest. The block style '|' keeps its lines.
  Mark folded_dashes(const YAML::Mark& mark, const std::string& value) const {
    size_t found = value.find("--");
    if (found == std::string::npos || mark.line < 0) return {};
    auto line = static_cast<size_t>(mark.line);
    for (; line < line_starts_.size() && found != std::string::npos; ++line) {
      const std::string_view source = line_at(line);
      const size_t dashes =
          source.find("--", line == static_cast<size_t>(mark.line) ? static_cast<size_t>(mark.column) : 0);
      if (dashes == std::string_view::npos) continue;
      const std::string_view in_source = trim(source.substr(dashes));
      const std::string_view in_value = std::string_view(value).substr(found, value.find('\n', found) - found);
      if (in_value.size() > in_source.size() && in_value.starts_with(in_source))
        return {static_cast<int>(line) + 1, static_cast<int>(count_characters(source.substr(0, dashes))) + 1};
      found = value.find("--", value.find('\n', found));
    }
    return {};
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (expects_key()) throw ParseError{mark_of(mark), kNotAKey, "if it is a text in braces, put it in quotes"};
    if (static_cast<int>(stack_.size()) >= limits_.depth_max) too_deep(mark_of(mark));
    auto frame = std::make_unique<Frame>();
    frame->value.node.kind = kind;
    frame->value.node.mark = mark_of(mark);
    frame->anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void close() {
    const std::unique_ptr<Frame> frame = std::move(stack_.back());
    stack_.pop_back();
    apply_merges(*frame);
    add(std::move(frame->value), frame->anchor, false);
  }

  void add(SizedNode value, YAML::anchor_t anchor, bool is_merge_key) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& parent = *stack_.back();
    if (parent.value.node.is_mapping() && !parent.key) {
      set_key(parent, value.node, is_merge_key);
      return;
    }
    parent.value.nodes += value.nodes;
    parent.value.height = std::max(parent.value.height, value.height + 1);
    if (!parent.value.node.is_mapping()) {
      parent.value.node.items.push_back(std::move(value.node));
      return;
    }
    Key key = std::move(*parent.key);
    parent.key.reset();
    if (key.is_merge)
      add_merge(parent, std::move(value.node), key.mark);
    else
      add_member(parent, std::move(key), std::move(value.node));
  }

  void set_key(Frame& parent, const YamlNode& node, bool is_merge) {
    if (node.is_sequence() || node.is_mapping())
      throw ParseError{node.mark, kNotAKey, "if it is a text in braces, put it in quotes"};
    parent.key = Key{node.is_string()                          ? node.text()
                     : node.kind == YamlNode::Kind::kTimestamp ? node.text()
                                                               : node.scalar.dump(),
                     node.mark, is_merge, node.written};
  }

  void add_member(Frame& parent, Key key, YamlNode value) {
    auto& members = parent.value.node.members;
    const auto [known, is_new] = parent.index.try_emplace(key.text, members.size());
    if (is_new) {
      members.push_back({std::move(key.text), key.mark, std::move(value), std::move(key.written)});
      return;
    }
    YamlNode::Member& first = members[known->second];
    diagnostics_.warning(
        "duplicate_key", "Key '" + key.text + "' is written twice; the last one counts", "", key.mark,
        known->second == 0 && stack_.size() > 1 && !(*(stack_.end() - 2))->value.node.is_mapping()
            ? "if another entry of the list begins here, put '- ' before it; the first one is in line " +
                  std::to_string(first.key_mark.line)
            : "remove one of them; the first one is in line " + std::to_string(first.key_mark.line));
    first.key_mark = key.mark;
    first.value = std::move(value);
  }

  static void add_merge(Frame& parent, YamlNode value, Mark mark) {
    if (value.is_mapping()) {
      parent.merges.push_back(std::move(value));
      return;
    }
    bool all_mappings = value.is_sequence();
    for (const YamlNode& item : value.items) all_mappings = all_mappings && item.is_mapping();
    if (!all_mappings) throw ParseError{mark, "'<<' must name a mapping or a list of mappings", {}};
    for (YamlNode& item : value.items) parent.merges.push_back(std::move(item));
  }

  // The mapping's own keys beat merged ones. Of two merged mappings in one list the first wins.
  void apply_merges(Frame& frame) {
    for (YamlNode& merge : frame.merges) {
      for (YamlNode::Member& member : merge.members) {
        auto& members = frame.value.node.members;
        if (frame.index.try_emplace(member.key, members.size()).second) members.push_back(std::move(member));
      }
    }
  }

  std::string_view text_;
  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  std::vector<size_t> line_starts_;
  std::vector<std::unique_ptr<Frame>> stack_;  // the open containers, outermost first
  std::map<YAML::anchor_t, SizedNode> anchors_;
  std::optional<SizedNode> root_;
  Mark last_scalar_, document_;
  size_t alias_nodes_ = 0;
};

Mark mark_at(std::string_view text, size_t offset) {
  Mark mark{1, 1};
  for (size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n')
      mark = {mark.line + 1, 1};
    else if (!continues_utf8(text[i]))
      ++mark.column;
  }
  return mark;
}

// What no YAML file may hold; nullopt when the text is clean.
std::optional<ParseError> unreadable(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes_max)
    return ParseError{{}, "the file is larger than " + std::to_string(limits.bytes_max >> 20) + " MiB", {}};
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
      return ParseError{mark_at(text, i), "a control character (code " + std::to_string(c) + ") is not allowed",
                        "is this a text file?"};
  }
  if (!is_valid_utf8(text)) {
    size_t good = 0;
    while (good < text.size()) {  // line by line, to name the line
      const size_t end = std::min(text.find('\n', good), text.size() - 1) + 1;
      if (!is_valid_utf8(text.substr(good, end - good))) break;
      good = end;
    }
    return ParseError{mark_at(text, good), "the text is not UTF-8", "save the file as UTF-8"};
  }
  return std::nullopt;
}

}  // namespace

YamlNode parse_yaml(std::string_view text, Diagnostics& diagnostics, const YamlLimits& limits) {
  auto refuse = [&diagnostics](const ParseError& refused) {
    diagnostics.error("yaml_parse_error", "YAML: " + refused.message, "", refused.mark, refused.hint);
    return YamlNode();
  };
  if (const auto refused = unreadable(text, limits)) return refuse(*refused);
  text = without_utf8_mark(text);
  diagnostics.set_text(text);
  TreeBuilder builder(text, limits, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return {};
    YamlNode root = builder.take();
    if (const auto slip = find_unclosed_quote(text, builder.last_scalar()))
      return refuse({slip->mark, slip->message, slip->hint});
    TreeBuilder ignored(text, limits, diagnostics);
    if (parser.HandleNextDocument(ignored))
      return refuse({ignored.document(), "the file holds more than one document: another begins here",
                     "remove the line '---', or put the rest into a file of its own"});
    return root;
  } catch (const ParseError& refused) {
    const auto slip = refused.message == kNotAKey ? find_yaml_slip(text, refused.mark.line) : std::nullopt;
    return refuse(slip ? ParseError{slip->mark, slip->message, slip->hint} : refused);
  } catch (const YAML::Exception& e) {
    const Mark mark = builder.mark_of(e.mark);
    const YamlSlip slip = find_yaml_slip(text, mark.line).value_or(explain_yaml_error(e.msg, mark));
    return refuse({slip.mark, slip.message, slip.hint});
  } catch (const std::exception& e) {
    return refuse({{}, e.what(), {}});
  }
}

YamlNode parse_yaml_file(const std::string& path, Diagnostics& diagnostics, const YamlLimits& limits) {
  const auto text = read_file(path, limits.bytes_max);
  if (!text.ok()) {
    if (text.error().code == Code::kNotFound)
      diagnostics.error("file_not_found", text.error().message, "", {},
                        "check the path; relative ones start in the current directory");
    else
      diagnostics.unreadable("read_error", text.error());
    return {};
  }
  return parse_yaml(*text, diagnostics, limits);
}

}  // namespace osiris
