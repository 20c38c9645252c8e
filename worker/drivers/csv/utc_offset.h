// A timestamp with time zone is an instant; the offset its text had is none of it. The reader leaves it in the column's
// comment, and the writer shows the column with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace osiris::worker::csv_format {

// "+05:30", "-08:00"; "+00:00" for zero.
std::string utc_offset_text(int minutes);
// The comment of such a column, and its offset in minutes; nullopt for any other comment.
std::string utc_offset_comment(int minutes);
std::optional<int> utc_offset_of(std::string_view comment);

}  // namespace osiris::worker::csv_format
