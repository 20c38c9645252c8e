// When the bytes that one server sends are those that would be written to another.
#pragma once

#include "worker/drivers/postgres.writer/column_plan.h"
#include "worker/drivers/postgres/copy_form.h"

namespace osiris::worker::postgres {

// Every value of `sent` that a relation holds, once it is read, and written by `plan`, is the same bytes again, or a
// numeric of the same digits; and `plan` refuses none.
bool is_same_form(const SentColumn& sent, const ColumnPlan& plan);

}  // namespace osiris::worker::postgres
