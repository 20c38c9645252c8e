// Values of a relation as the texts that MySQL reads, made here for the types that most columns have. Of the others the
// engine casts them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "worker/driver_api/number_text.h"
#include "worker/drivers/mysql.writer/column_plan.h"

namespace osiris::worker::mysql {

inline constexpr size_t kValueTextMax = number_text::kValueBytesMax;

// Whether text_of() takes values of the type.
bool has_text(const ColumnType& type);

// The text of a value of `plan.source` that is not NULL, in the vector's `data` at `row`; it may be in `room`, which
// has kValueTextMax bytes. `why`: why the column cannot hold it; as it was where it can.
std::string_view text_of(const ColumnPlan& plan, const void* data, size_t row, char* room, std::string& why);

// Empty, or why the column cannot hold the value that this text is of.
std::string why_unfit(const ColumnPlan& plan, std::string_view value);

}  // namespace osiris::worker::mysql
