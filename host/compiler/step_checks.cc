#include "host/compiler/step_checks.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "protocol/base/quantity.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr double kAgeMaxS = 100.0 * 365 * 24 * 3600;
const std::vector<std::string> kCommonKeys = {"name", "severity", "store_failures"};
constexpr size_t kNameBytesMax = 200;

std::string_view example_of(CheckKind kind) {
  switch (kind) {
    case CheckKind::kNotNull:
      return "not_null: id, or [id, name]";
    case CheckKind::kUnique:
      return "unique: id, or [year, number] for the two together";
    case CheckKind::kAcceptedValues:
      return "accepted_values: {column: status, values: [open, paid]}";
    case CheckKind::kRelationships:
      return "relationships: {column: customer_id, to: customers, field: id}";
    case CheckKind::kRowCount:
      return "row_count: 12, or {min: 1, max: 1000}";
    case CheckKind::kFreshness:
      return "freshness: {column: updated_at, max_age: 24h}";
    case CheckKind::kRange:
      return "range: {column: amount, min: 0, max: 10000}";
    case CheckKind::kPattern:
      return "pattern: {column: email, regex: '^[^@]+@[^@]+$'}";
    case CheckKind::kSql:
      return "sql: a query for the rows that fail, from this";
  }
  return "";
}

bool is_scalar(const YamlNode& node) { return !node.is_null() && !node.is_sequence() && !node.is_mapping(); }

class CheckReader {
 public:
  CheckReader(const YamlNode& node, std::string location, Diagnostics& diagnostics)
      : node_(node), location_(std::move(location)), diagnostics_(diagnostics) {}

  std::optional<DataCheck> read() {
    if (!node_.is_mapping()) {
      refuse(node_.mark, "A check must be a mapping, got " + std::string(node_.python_type()),
             "write - not_null: id, or another of " + join(check_kind_names(), ", "));
      return std::nullopt;
    }
    const YamlNode::Member* kind = find_kind();
    read_common();
    if (!kind) return std::nullopt;
    check_.kind = *check_kind_from_name(kind->key);
    value_ = &kind->value;
    location_ += "." + kind->key;
    read_kind();
    if (check_.stores_failures && !names_rows(check_.kind))
      refuse(node_.find("store_failures")->mark,
             "'" + kind->key + "' names no rows, so store_failures has none to keep", "remove store_failures");
    if (check_.name.empty()) check_.name = default_name();
    if (failed_) return std::nullopt;
    return check_;
  }

 private:
  void refuse(Mark mark, std::string message, std::string hint) {
    failed_ = true;
    diagnostics_.error("invalid_check", std::move(message), location_, mark, std::move(hint));
  }
  // The value is not what its kind wants.
  void misfit(const YamlNode& at, const std::string& why) {
    refuse(at.mark, "'" + std::string(check_kind_name(check_.kind)) + "' " + why,
           "write " + std::string(example_of(check_.kind)));
  }

  const YamlNode::Member* find_kind() {
    const YamlNode::Member* found = nullptr;
    for (const auto& member : node_.members) {
      if (check_kind_from_name(member.key)) {
        if (found)
          refuse(member.key_mark, "A check has one kind; this one has '" + found->key + "' and '" + member.key + "'",
                 "make two checks of it, each with its own '-'");
        if (!found) found = &member;
        continue;
      }
      if (std::find(kCommonKeys.begin(), kCommonKeys.end(), member.key) != kCommonKeys.end()) continue;
      unknown(member);
    }
    if (!found && !failed_)
      refuse(node_.mark, "The check says nothing of the rows", "add one of " + join(check_kind_names(), ", "));
    return found;
  }

  void unknown(const YamlNode::Member& member) {
    failed_ = true;
    std::vector<std::string> known = check_kind_names();
    known.insert(known.end(), kCommonKeys.begin(), kCommonKeys.end());
    const auto near = nearest(member.key, known);
    diagnostics_.error("unknown_check", "Unknown check: '" + member.key + "'", location_ + "." + member.key,
                       member.key_mark, near ? "did you mean '" + *near + "'?" : "there are " + join(known, ", "));
  }

  void read_common() {
    if (const YamlNode* name = node_.find("name")) {
      if (name->is_string() && !trim(name->text()).empty() && name->text().size() <= kNameBytesMax)
        check_.name = name->text();
      else
        refuse(name->mark, "name of a check must be a text of 1 to " + std::to_string(kNameBytesMax) + " bytes",
               "write name: \"every order has a customer\"");
    }
    if (const YamlNode* severity = node_.find("severity")) {
      check_.only_warns = severity->text() == "warn";
      if (severity->text() != "warn" && severity->text() != "error")
        refuse(severity->mark, "severity must be error or warn",
               "error: rows that fail end the run; warn: they are only named");
    }
    if (const YamlNode* store = node_.find("store_failures")) {
      check_.stores_failures = store->scalar.as_bool();
      if (store->kind != YamlNode::Kind::kBool)
        refuse(store->mark, "store_failures must be true or false", "true: the rows that fail become a file");
    }
  }

  void read_kind() {
    switch (check_.kind) {
      case CheckKind::kNotNull:
      case CheckKind::kUnique:
        return read_columns();
      case CheckKind::kRowCount:
        return read_row_count();
      case CheckKind::kSql:
        if (!value_->is_string() || trim(value_->text()).empty()) return misfit(*value_, "must be a query");
        check_.text = value_->text();
        return;
      default:
        return read_mapping();
    }
  }

  void add_column(const YamlNode& node) {
    if (!node.is_string() || node.text().empty())
      return misfit(node, "must name columns, got " + std::string(node.python_type()));
    if (std::find(check_.columns.begin(), check_.columns.end(), node.text()) != check_.columns.end())
      return misfit(node, "names column '" + node.text() + "' twice");
    check_.columns.push_back(node.text());
  }

  void read_columns() {
    if (!value_->is_sequence()) return add_column(*value_);
    if (value_->items.empty()) misfit(*value_, "names no column");
    for (const YamlNode& item : value_->items) add_column(item);
  }

  void read_row_count() {
    if (value_->kind == YamlNode::Kind::kInt && value_->scalar.as_int(-1) >= 0) {
      check_.min = check_.max = value_->scalar;
      return;
    }
    if (!value_->is_mapping()) return misfit(*value_, "must be a number of rows, or {min, max}");
    if (!allow({"min", "max"})) return;
    read_bounds(
        [](const YamlNode& bound) { return bound.kind == YamlNode::Kind::kInt && bound.scalar.as_int(-1) >= 0; },
        "must be whole numbers of rows, 0 or more");
  }

  void read_mapping() {
    if (!value_->is_mapping()) return misfit(*value_, "must be a mapping, got " + std::string(value_->python_type()));
    switch (check_.kind) {
      case CheckKind::kAcceptedValues:
        if (!allow({"column", "values"})) return;
        read_values();
        break;
      case CheckKind::kRelationships:
        if (!allow({"column", "to", "field"})) return;
        check_.to_step = required_text("to");
        break;
      case CheckKind::kFreshness:
        if (!allow({"column", "max_age"})) return;
        read_age();
        break;
      case CheckKind::kRange:
        if (!allow({"column", "min", "max"})) return;
        read_bounds([](const YamlNode& bound) { return is_scalar(bound) && bound.kind != YamlNode::Kind::kBool; },
                    "must be numbers, dates or texts");
        break;
      default:
        if (!allow({"column", "regex"})) return;
        check_.text = required_text("regex");
        break;
    }
    if (const std::string column = required_text("column"); !column.empty()) check_.columns = {column};
    if (check_.kind != CheckKind::kRelationships) return;
    check_.to_column = value_->find("field") ? required_text("field") : column_or_empty();
  }

  std::string column_or_empty() const { return check_.columns.empty() ? "" : check_.columns[0]; }

  // A key that means another one is the only fault that is told.
  bool allow(const std::vector<std::string>& keys) {
    for (const auto& member : value_->members) {
      if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) continue;
      const auto near = nearest(member.key, keys);
      refuse(member.key_mark,
             "Unknown key of '" + std::string(check_kind_name(check_.kind)) + "': '" + member.key + "'",
             near ? "did you mean '" + *near + "'?" : "write " + std::string(example_of(check_.kind)));
    }
    return !failed_;
  }

  std::string required_text(const char* key) {
    const YamlNode* node = value_->find(key);
    if (node && node->is_string() && !node->text().empty()) return node->text();
    misfit(node ? *node : *value_, std::string("needs a text as its '") + key + "'");
    return {};
  }

  void read_values() {
    const YamlNode* values = value_->find("values");
    if (!values || !values->is_sequence() || values->items.empty())
      return misfit(values ? *values : *value_, "needs a list as its 'values'");
    for (const YamlNode& item : values->items) {
      if (!is_scalar(item))
        return misfit(item, "takes numbers, texts and booleans as values, got " + std::string(item.python_type()) +
                                (item.is_null() ? " (NULL is accepted anyway; not_null refuses it)" : ""));
      check_.values.push_back(item.scalar);
    }
  }

  template <class Fits>
  void read_bounds(Fits fits, const std::string& what) {
    const YamlNode *min = value_->find("min"), *max = value_->find("max");
    if (!min && !max) return misfit(*value_, "needs 'min', 'max' or both");
    for (const YamlNode* bound : {min, max})
      if (bound && !fits(*bound)) return misfit(*bound, "bounds " + what);
    if (min) check_.min = min->scalar;
    if (max) check_.max = max->scalar;
    if (!min || !max) return;
    if (check_.min.is_number() != check_.max.is_number()) return misfit(*max, "bounds are a number and a text");
    if (check_.min.is_number() && check_.min.as_double() > check_.max.as_double())
      misfit(*max, "has a 'min' that is greater than its 'max'");
  }

  void read_age() {
    const YamlNode* age = value_->find("max_age");
    double seconds = 0;
    if (age && age->scalar.is_number()) seconds = age->scalar.as_double();
    if (age && age->is_string())
      if (const auto parsed = parse_duration_s(age->text())) seconds = *parsed;
    if (!(seconds > 0) || seconds > kAgeMaxS)
      return misfit(age ? *age : *value_, "needs a duration of at most 100 years as its 'max_age'");
    check_.max_age_s = seconds;
  }

  std::string default_name() const {
    std::string name(check_kind_name(check_.kind));
    if (check_.columns.empty()) return name;
    name += "(" + join(check_.columns, ", ");
    if (!check_.to_step.empty()) name += " in " + check_.to_step + "." + check_.to_column;
    return name + ")";
  }

  const YamlNode& node_;
  std::string location_;
  Diagnostics& diagnostics_;
  const YamlNode* value_ = nullptr;
  DataCheck check_;
  bool failed_ = false;
};

}  // namespace

void read_checks(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics) {
  const YamlNode* checks = step_node.find("checks");
  if (!checks) return;
  const std::string location = step.location + ".checks";
  if (!checks->is_sequence())
    return diagnostics.error("invalid_checks_type", "checks must be a list, got " + std::string(checks->python_type()),
                             location, checks->mark, "write each check behind a '-': - not_null: id");
  std::set<std::string> names;
  for (size_t i = 0; i < checks->items.size(); ++i) {
    const YamlNode& node = checks->items[i];
    auto check = CheckReader(node, location + "[" + std::to_string(i) + "]", diagnostics).read();
    if (!check) continue;
    const std::string name = check->name;
    for (size_t number = 2; !names.insert(check->name).second; ++number)
      check->name = name + " #" + std::to_string(number);
    step.checks.push_back({*std::move(check), location + "[" + std::to_string(i) + "]", node.mark});
  }
}

void look_at_checked_steps(const OmlDocument& document, Diagnostics& diagnostics) {
  for (const OmlStep& step : document.steps) {
    if (!step.checks.empty() && step.mode == "write")
      diagnostics.error("invalid_check", "Step '" + step.id + "' writes; its rows are those of the step before",
                        step.checks[0].location, step.checks[0].mark,
                        "move checks: to the step that it needs: they are run before anything is written");
    for (const OmlCheck& each : step.checks)
      for (const OmlStep& target : document.steps)
        if (target.id == each.check.to_step && target.mode == "write")
          diagnostics.error("invalid_check", "Step '" + target.id + "' writes, so it has no rows to look values up in",
                            each.location, each.mark, "name the step whose rows it writes: to: <step id>");
  }
}

}  // namespace osiris
