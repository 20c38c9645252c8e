#include "host/compiler/sql_params.h"

#include <algorithm>
#include <set>

namespace osiris {
namespace {

constexpr size_t kShownBytes = 60;

std::string doubled(const std::string& value, char quote) {
  std::string out;
  for (const char c : value) {
    if (c == quote) out += quote;
    out += c;
  }
  return out;
}

std::string in_place(const SqlPiece& piece, SqlPlace place) {
  switch (place) {
    case SqlPlace::kText:
      return doubled(piece.value, '\'');
    case SqlPlace::kName:
      return doubled(piece.value, '"');
    case SqlPlace::kBackticks:
      return doubled(piece.value, '`');
    case SqlPlace::kCode:
      // Or `5 -${params.n}` would begin a comment.
      if (piece.is_number && piece.value.starts_with('-')) return "(" + piece.value + ")";
      return piece.value;
    default:
      return piece.value;
  }
}

// What no text may hold outside quotes; null when it holds nothing of the kind.
const char* forbidden_in(const std::string& value, SqlDialect dialect) {
  for (const char* sign : {";", "--", "/*", "*/"})
    if (value.find(sign) != std::string::npos) return sign;
  return dialect == SqlDialect::kMysql && value.find('#') != std::string::npos ? "#" : nullptr;
}

struct Filled {
  std::string text;
  std::vector<size_t> borders;  // where each value begins and ends
};

// `values`: one for each piece that has a parameter.
Filled joined(const std::vector<SqlPiece>& pieces, const std::vector<std::string>& values) {
  Filled filled;
  for (size_t i = 0; i < pieces.size(); ++i) {
    filled.text += pieces[i].text;
    if (pieces[i].param.empty()) continue;
    filled.borders.push_back(filled.text.size());
    filled.text += values[i];
    filled.borders.push_back(filled.text.size());
  }
  return filled;
}

std::string shown(const std::string& value) {
  return value.size() > kShownBytes ? value.substr(0, kShownBytes) + " ..." : value;
}

class Filler {
 public:
  Filler(const std::vector<SqlPiece>& pieces, const SqlText& sql, Mark mark, Diagnostics& diagnostics)
      : pieces_(pieces), sql_(sql), mark_(mark), diagnostics_(diagnostics) {}

  std::string run() {
    // A letter stands for each value: it changes no quoting.
    plain_ = joined(pieces_, std::vector<std::string>(pieces_.size(), "x"));
    const auto positions = positions_in(plain_.text, sql_.dialect, plain_.borders);
    std::vector<std::string> values(pieces_.size());
    for (size_t i = 0, border = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].param.empty()) continue;
      const SqlPlace place = positions[border].place;
      border += 2;
      values[i] = in_place(pieces_[i], place);
      if (place == SqlPlace::kCode) judge_code(pieces_[i]);
    }
    const Filled filled = joined(pieces_, values);
    verify(filled, true);
    if (sql_.dialect == SqlDialect::kMysql) verify(filled, false);
    for (const SqlPiece* piece : pasted_)
      if (!refused_.contains(piece->param)) warn(*piece);
    return filled.text;
  }

 private:
  bool is_whole_text() const { return pieces_.size() == 2 && pieces_[0].text.empty() && pieces_[1].text.empty(); }

  std::string hint_for(const SqlPiece& piece) const {
    if (is_whole_text())
      return "write the SQL into the pipeline, and bind what changes in it: values: {name: \"${params.name}\"} beside "
             "the SQL, and $name in it";
    return "bind it: values: {" + piece.param + ": \"${params." + piece.param + "}\"} beside the SQL, and $" +
           piece.param + " in it";
  }

  void refuse(const SqlPiece& piece, const std::string& why) {
    if (!refused_.insert(piece.param).second) return;
    diagnostics_.error(
        "unsafe_sql_value",
        "Parameter '" + piece.param + "' cannot be put into this SQL: its value '" + shown(piece.value) + "' " + why,
        sql_.location, mark_, hint_for(piece));
  }

  void judge_code(const SqlPiece& piece) {
    if (piece.is_number) return;
    if (const char* sign = forbidden_in(piece.value, sql_.dialect))
      return refuse(piece, std::string("holds ") + sign + " outside quotes");
    if (!piece.is_trusted) pasted_.push_back(&piece);
  }

  void warn(const SqlPiece& piece) {
    if (!warned_.insert(piece.param).second) return;
    diagnostics_.warning(
        "pasted_sql_value", "Parameter '" + piece.param + "' is pasted into this SQL as it is, outside quotes",
        sql_.location, mark_,
        hint_for(piece) + "; what cannot be bound, as a table's name, is listed under the parameter's enum");
  }

  // Every value begins and ends in what the place is without it, and one in quotes or in a comment never leaves them.
  void verify(const Filled& filled, bool backslash_escapes) {
    const auto planned = positions_in(plain_.text, sql_.dialect, plain_.borders, backslash_escapes);
    size_t border = 0;
    for (const SqlPiece& piece : pieces_) {
      if (piece.param.empty()) continue;
      const SqlPlace place = planned[border].place;
      std::vector<size_t> offsets = {filled.borders[border]};
      for (size_t i = offsets[0] + 1; place != SqlPlace::kCode && i < filled.borders[border + 1]; ++i)
        offsets.push_back(i);
      offsets.push_back(filled.borders[border + 1]);
      const auto real = positions_in(filled.text, sql_.dialect, offsets, backslash_escapes);
      const bool stays = std::all_of(real.begin(), real.end(), [place](SqlPosition at) { return at.place == place; });
      if (!stays || !(real.front() == planned[border]) || !(real.back() == planned[border + 1]))
        return refuse(piece, place == SqlPlace::kCode ? "holds half a pair of quotes"
                                                      : "would end the quotes or the comment it stands in");
      border += 2;
    }
  }

  const std::vector<SqlPiece>& pieces_;
  const SqlText& sql_;
  Mark mark_;
  Diagnostics& diagnostics_;
  Filled plain_;
  std::vector<const SqlPiece*> pasted_;  // outside quotes, and no number
  std::set<std::string> refused_, warned_;
};

}  // namespace

std::string fill_sql(const std::vector<SqlPiece>& pieces, const SqlText& sql, Mark mark, Diagnostics& diagnostics) {
  return Filler(pieces, sql, mark, diagnostics).run();
}

}  // namespace osiris
