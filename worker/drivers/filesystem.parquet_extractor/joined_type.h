// The type that holds the values of two types of a column exactly.
#pragma once

#include <optional>

#include "worker/driver_api/column_type.h"

namespace osiris::worker::parquet {

// nullopt when there is none: whole numbers widen, and become decimals or, where all their values are exact, floating
// numbers; decimals widen to 38 digits; nothing else changes.
std::optional<ColumnType> joined_type(const ColumnType& a, const ColumnType& b);

}  // namespace osiris::worker::parquet
