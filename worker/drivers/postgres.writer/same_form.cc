#include "worker/drivers/postgres.writer/same_form.h"

#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

bool is_text(Oid type) {
  switch (type) {
    case kTextOid:
    case kVarcharOid:
    case kBpcharOid:
    case kNameOid:
    case kXmlOid:
    case kJsonOid:
      return true;
    default:
      return false;
  }
}

bool has_bounds(const ColumnPlan& plan) {
  return plan.scale_max || plan.fraction_digits != 6 || plan.least_unit != SpanUnit::kSecond ||
         plan.characters_max != -1 || plan.bits != 0;
}

}  // namespace

bool is_same_form(const SentColumn& sent, const ColumnPlan& plan) {
  const Oid item = item_of_array(sent.type);
  if (sent.type == InvalidOid || !plan.cast.empty() || (item != InvalidOid) != plan.is_list()) return false;
  const Oid type = plan.is_list() ? item : sent.type;
  if (has_bounds(plan) && (type != plan.value_type || sent.modifier != plan.modifier)) return false;
  // The head of a list names the type of its items.
  if (plan.is_list() || type == plan.value_type) return type == plan.value_type;
  switch (plan.form) {
    case Form::kText:
      // Of a text that becomes xml the declaration is looked at first (put_text).
      return is_text(type) && plan.value_type != kXmlOid;
    case Form::kBits:
      return type == kBitOid || type == kVarbitOid;
    default:
      return false;
  }
}

}  // namespace osiris::worker::postgres
