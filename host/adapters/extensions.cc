#include "host/adapters/extensions.h"

namespace osiris {

const osiris_resources* resources_of(const osiris_adapter_type& type) {
  if (!OSIRIS_CAN(&type, extension)) return nullptr;
  const auto* table = static_cast<const osiris_resources*>(type.extension(&type, OSIRIS_RESOURCES_V1));
  return table && OSIRIS_CAN(table, release) && table->list ? table : nullptr;
}

const osiris_explain* explain_of(const osiris_adapter_type& type) {
  if (!OSIRIS_CAN(&type, extension)) return nullptr;
  const auto* table = static_cast<const osiris_explain*>(type.extension(&type, OSIRIS_EXPLAIN_V1));
  return table && OSIRIS_CAN(table, explain) ? table : nullptr;
}

const osiris_early* early_of(const osiris_adapter_type& type) {
  if (!OSIRIS_CAN(&type, extension)) return nullptr;
  const auto* table = static_cast<const osiris_early*>(type.extension(&type, OSIRIS_EARLY_V1));
  return table && OSIRIS_CAN(table, begin) ? table : nullptr;
}

bool is_of_resources(std::string_view event) { return event == "resource_acquired" || event == "resource_released"; }

}  // namespace osiris
