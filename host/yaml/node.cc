#include "host/yaml/node.h"

#include <algorithm>
#include <utility>

#include "host/compat/pyyaml_scalar.h"

namespace osiris {
namespace {

YamlNode::Kind kind_of(PlainScalar::Kind kind) {
  switch (kind) {
    case PlainScalar::Kind::kNull:
      return YamlNode::Kind::kNull;
    case PlainScalar::Kind::kBool:
      return YamlNode::Kind::kBool;
    case PlainScalar::Kind::kInt:
      return YamlNode::Kind::kInt;
    case PlainScalar::Kind::kFloat:
      return YamlNode::Kind::kFloat;
    case PlainScalar::Kind::kString:
      return YamlNode::Kind::kString;
    case PlainScalar::Kind::kTimestamp:
      return YamlNode::Kind::kTimestamp;
  }
  return YamlNode::Kind::kNull;
}

}  // namespace

const YamlNode::Member* YamlNode::find_member(std::string_view key) const {
  for (const Member& member : members)
    if (member.key == key) return &member;
  return nullptr;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  const Member* member = find_member(key);
  return member ? &member->value : nullptr;
}

YamlNode* YamlNode::find(std::string_view key) {
  return const_cast<YamlNode*>(static_cast<const YamlNode*>(this)->find(key));
}

bool YamlNode::erase(std::string_view key) {
  return std::erase_if(members, [key](const Member& member) { return member.key == key; }) > 0;
}

Status YamlNode::take_plain(std::string_view text) {
  OSIRIS_ASSIGN(PlainScalar plain, resolve_plain_scalar(text));
  kind = kind_of(plain.kind);
  scalar = std::move(plain.value);
  return {};
}

void YamlNode::take_scalar(Json value) {
  kind = value.is_null()     ? Kind::kNull
         : value.is_bool()   ? Kind::kBool
         : value.is_int()    ? Kind::kInt
         : value.is_double() ? Kind::kFloat
                             : Kind::kString;
  scalar = std::move(value);
}

std::string_view YamlNode::python_type() const {
  switch (kind) {
    case Kind::kNull:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kTimestamp:
      return text().size() > 10 ? "datetime" : "date";
    case Kind::kSequence:
      return "list";
    case Kind::kMapping:
      return "dict";
  }
  return "object";
}

Json YamlNode::to_json() const {
  if (kind == Kind::kSequence) {
    Json::Array array;
    array.reserve(items.size());
    for (const YamlNode& item : items) array.push_back(item.to_json());
    return Json(std::move(array));
  }
  if (kind == Kind::kMapping) {
    Json::Object object;
    object.reserve(members.size());
    for (const Member& member : members) object.emplace_back(member.key, member.value.to_json());
    return Json(std::move(object));
  }
  return scalar;
}

}  // namespace osiris
