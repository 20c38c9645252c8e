// Whether a server of PostgreSQL's sends rows in the form in which they are written: they go on as they are.
#include "worker/drivers/postgres.writer/load.h"
#include "worker/drivers/postgres.writer/same_form.h"

namespace osiris::worker::postgres {

SourceRows* Load::rows_to_hand_over() {
  SourceRows* rows = context_.source_rows();
  const auto* form = rows ? dynamic_cast<const CopyForm*>(rows->form()) : nullptr;
  if (!form || form->columns.size() != plans_.size()) return nullptr;
  for (size_t i = 0; i < plans_.size(); ++i)
    if (!is_same_form(form->columns[i], plans_[i])) return nullptr;
  return rows->take() ? rows : nullptr;
}

}  // namespace osiris::worker::postgres
