// SQL that finds values which a cast would change. DuckDB's casts round and cut without a word: '1.5' becomes the
// INTEGER 2, '1.25' the DECIMAL(5,1) 1.3, a time of day is dropped where a DATE is wanted, an offset where the type has
// none. Values that cannot be cast at all are not theirs: the cast itself says so.
#pragma once

#include <string>

namespace osiris::worker {

// A condition: whether `text`, an SQL expression, is another value once it is `type`, as `columns` of a step spells it.
// A number that a floating type does not hold to its last digit is the nearest one, and no change. Empty: never.
std::string text_changes(const std::string& type, const std::string& text);

// The same of `value`, which is of type `from`. Texts, alone or in lists, are as above.
std::string value_changes(const std::string& from, const std::string& type, const std::string& value);

// An aggregate: the type that keeps texts which are numbers, not all of them whole ones of 64 bits. DOUBLE, unless it
// changes a whole number or has none so great: then HUGEINT, or VARCHAR.
std::string type_of_numbers(const std::string& text);

}  // namespace osiris::worker
