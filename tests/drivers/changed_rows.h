// Rows that are changed on their way to a server, one by one in many ways: `verify: full` has to find each. A value is
// a text as LOAD DATA has it, or optional bytes as COPY has them.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/postgres/proxy.h"

namespace osiris::worker::test {

inline std::string& bytes_of(std::string& value) { return value; }
inline std::string& bytes_of(std::optional<std::string>& value) { return *value; }
inline void make_null(std::string& value) { value = "\\N"; }
inline void make_null(std::optional<std::string>& value) { value.reset(); }

template <class Value>
using RowsChange = std::function<void(std::vector<std::vector<Value>>&)>;
template <class Value>
using NamedChanges = std::vector<std::pair<std::string, RowsChange<Value>>>;

// Of six rows or more, whose columns 1 and 2 are numbers of one type, and 3 and 4 texts.
template <class Value>
NamedChanges<Value> changes_of_rows(size_t columns) {
  NamedChanges<Value> all;
  for (size_t i = 0; i < columns; ++i) {
    const std::string column = "column " + std::to_string(i);
    all.emplace_back(column + " first byte", [i](auto& rows) { bytes_of(rows[3][i]).front() ^= 0x01; });
    all.emplace_back(column + " NULL", [i](auto& rows) { make_null(rows[1][i]); });
    all.emplace_back(column + " of another row", [i](auto& rows) { std::swap(rows[0][i], rows[4][i]); });
  }
  all.emplace_back("a row is lost", [](auto& rows) { rows.erase(rows.begin() + 2); });
  all.emplace_back("a row comes twice", [](auto& rows) { rows.push_back(rows[1]); });
  all.emplace_back("numbers change places", [](auto& rows) { std::swap(rows[1][1], rows[1][2]); });
  all.emplace_back("texts change places", [](auto& rows) { std::swap(rows[1][3], rows[1][4]); });
  all.emplace_back("a text is empty", [](auto& rows) { rows[5][3] = ""; });
  all.emplace_back("a text has a blank more", [](auto& rows) { bytes_of(rows[5][3]) += ' '; });
  all.emplace_back("a text is cut", [](auto& rows) { bytes_of(rows[5][3]).pop_back(); });
  return all;
}

// Holds back what a client sends from where its rows begin until they are all there and changed; all else passes.
class ChangingProxy {
 public:
  using Find = std::function<size_t(const std::string& sent)>;          // where they begin; npos: nowhere
  using Change = std::function<bool(std::string& sent, size_t begin)>;  // false: they are not all there

  ChangingProxy(int port, Find find, Change change)
      : proxy_(static_cast<uint16_t>(port),
               [this, find = std::move(find), change = std::move(change)](bool from_client, std::string& bytes) {
                 using osiris::test::Proxy;
                 if (!from_client || has_changed_) return Proxy::Fate::kPass;
                 held_ += bytes;
                 bytes.clear();
                 const size_t begin = find(held_);
                 if (begin != std::string::npos && !change(held_, begin)) return Proxy::Fate::kPass;
                 has_changed_ = begin != std::string::npos;
                 bytes.swap(held_);
                 return Proxy::Fate::kPass;
               }) {}

  int64_t port() const { return proxy_.port(); }
  bool has_changed() const { return has_changed_; }

 private:
  std::string held_;
  std::atomic<bool> has_changed_{false};
  osiris::test::Proxy proxy_;
};

}  // namespace osiris::worker::test
