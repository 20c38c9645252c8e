#include "worker/drivers/filesystem.json_extractor/record.h"

#include <algorithm>
#include <unordered_set>

#include "protocol/base/utf8.h"

namespace osiris::worker::json_in {
namespace {

constexpr size_t kDepthMax = 500, kShapeDepthMax = 50;
constexpr size_t kKeysComparedMax = 16;  // one by one; beyond, by a set

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Keys of one object; true for one that is new.
class Keys {
 public:
  bool add(const std::string& key) {
    if (few_.size() < kKeysComparedMax) {
      if (std::find(few_.begin(), few_.end(), key) != few_.end()) return false;
      few_.push_back(key);
      return true;
    }
    if (many_.empty()) many_.insert(few_.begin(), few_.end());
    return many_.insert(key).second;
  }

 private:
  std::vector<std::string> few_;
  std::unordered_set<std::string> many_;
};

}  // namespace

bool RecordReader::fail(std::string what) {
  what_ = std::move(what);
  return false;
}

void RecordReader::skip_blanks() {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
}

bool RecordReader::read(std::string_view text, Shape& shape) {
  text_ = text;
  at_ = 0;
  members_.clear();
  skip_blanks();
  if (at_ == text_.size() || text_[at_] != '{') return fail("a record is an object, {…}");
  if (!object(shape, 0)) return false;
  skip_blanks();
  return at_ == text_.size() || fail("something follows the record");
}

bool RecordReader::object(Shape& shape, size_t depth) {
  shape.add_object();
  ++at_;
  Keys keys;
  skip_blanks();
  if (at_ < text_.size() && text_[at_] == '}') return ++at_, true;
  for (;;) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != '"') return fail("a key in quotes is missing");
    const size_t key_at = at_;
    std::string key;
    if (!text(&key)) return false;
    if (!keys.add(key)) {
      at_ = key_at;
      return fail("the key '" + key + "' stands twice in one object");
    }
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != ':') return fail("':' is missing after a key");
    ++at_;
    skip_blanks();
    Shape& of_value = shape.member(key);
    const size_t begin = at_;
    Kind kind = Kind::kNull;
    if (!value(of_value, depth + 1, kind)) return false;
    if (depth == 0) members_.push_back({std::move(key), begin, at_, kind});
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '}') return ++at_, true;
    if (at_ == text_.size() || text_[at_] != ',') return fail("',' or '}' is missing");
    ++at_;
  }
}

bool RecordReader::list(Shape& shape, size_t depth) {
  Shape& item = shape.add_list();
  ++at_;
  skip_blanks();
  if (at_ < text_.size() && text_[at_] == ']') return ++at_, true;
  for (;;) {
    skip_blanks();
    Kind kind = Kind::kNull;
    if (!value(item, depth + 1, kind)) return false;
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == ']') return ++at_, true;
    if (at_ == text_.size() || text_[at_] != ',') return fail("',' or ']' is missing");
    ++at_;
  }
}

bool RecordReader::value(Shape& shape, size_t depth, Kind& kind) {
  if (at_ == text_.size()) return fail("a value is missing");
  if (depth > kDepthMax) return fail("it is nested deeper than " + std::to_string(kDepthMax) + " levels");
  if (depth == kShapeDepthMax) shape.give_up();
  switch (text_[at_]) {
    case '{':
      kind = Kind::kObject;
      return object(shape, depth);
    case '[':
      kind = Kind::kList;
      return list(shape, depth);
    case '"':
      kind = Kind::kText;
      shape.add_text();
      return text(nullptr);
    case 't':
      kind = Kind::kBoolean;
      shape.add_boolean();
      return word("true");
    case 'f':
      kind = Kind::kBoolean;
      shape.add_boolean();
      return word("false");
    case 'n':
      return word("null");
    default:
      kind = Kind::kNumber;
      return number(shape);
  }
}

bool RecordReader::word(std::string_view expected) {
  if (!text_.substr(at_).starts_with(expected)) return fail("a value is no JSON: strings stand in double quotes");
  at_ += expected.size();
  return true;
}

bool RecordReader::digits() {
  const size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ > begin;
}

bool RecordReader::number(Shape& shape) {
  const size_t begin = at_;
  if (text_[at_] == '-') ++at_;
  const size_t whole = at_;
  if (!digits()) {
    at_ = begin;
    return fail("a value is no JSON: strings stand in double quotes, and there is no NaN and no Infinity");
  }
  if (text_[whole] == '0' && at_ - whole > 1) return at_ = begin, fail("a number begins with 0");
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (!digits()) return fail("a digit is missing after the point");
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return fail("a digit is missing after the exponent");
  }
  shape.add_number(text_.substr(begin, at_ - begin));
  return true;
}

bool RecordReader::text(std::string* unescaped) {
  ++at_;
  for (;;) {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20)
      ++at_;
    if (unescaped) unescaped->append(text_, begin, at_ - begin);
    if (at_ == text_.size()) return fail("a string is not closed");
    if (text_[at_] == '"') return ++at_, true;
    if (text_[at_] != '\\') return fail("a string holds a line end or another control character, which is written \\n");
    if (!escape(unescaped)) return false;
  }
}

bool RecordReader::unicode(unsigned& unit) {
  unit = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const int digit = is_digit(c)            ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return fail("\\u wants four hex digits");
    unit = unit * 16 + static_cast<unsigned>(digit);
  }
  return true;
}

bool RecordReader::escape(std::string* unescaped) {
  constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
  const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (const size_t known = kNames.find(name); name != '\0' && known != std::string_view::npos) {
    if (unescaped) *unescaped += kMeant[known];
    at_ += 2;
    return true;
  }
  if (name != 'u') return fail("'\\' is followed by what is no escape");
  at_ += 2;
  unsigned unit = 0;
  if (!unicode(unit)) return false;
  char32_t point = unit;
  if (unit >= 0xd800 && unit <= 0xdfff) {
    unsigned low = 0;
    const bool is_high = unit < 0xdc00 && text_.substr(at_).starts_with("\\u");
    if (is_high) at_ += 2;
    if (!is_high || !unicode(low) || low < 0xdc00 || low > 0xdfff) return fail("\\u names half a character");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  if (unescaped) append_utf8(*unescaped, point);
  return true;
}

}  // namespace osiris::worker::json_in
