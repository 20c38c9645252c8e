// One JSON value as text: checked strictly by RFC 8259, its shape taken, the members of the outermost object found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/drivers/filesystem.json_extractor/shape.h"

namespace osiris::worker::json_in {

struct Member {
  std::string key;
  size_t begin = 0, end = 0;  // of the value, in the record's text
  Kind kind = Kind::kNull;
};

class RecordReader {
 public:
  // Adds an object to `shape`. False where the text is not one JSON object, and nothing else: what() and at() say why.
  bool read(std::string_view text, Shape& shape);

  const std::vector<Member>& members() const { return members_; }
  const std::string& what() const { return what_; }
  size_t at() const { return at_; }  // bytes from the beginning

 private:
  bool value(Shape& shape, size_t depth, Kind& kind);
  bool object(Shape& shape, size_t depth);
  bool list(Shape& shape, size_t depth);
  bool text(std::string* unescaped);
  bool escape(std::string* unescaped);
  bool unicode(unsigned& unit);
  bool number(Shape& shape);
  bool word(std::string_view expected);
  bool digits();
  void skip_blanks();
  bool fail(std::string what);

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Member> members_;
  std::string what_;
};

}  // namespace osiris::worker::json_in
