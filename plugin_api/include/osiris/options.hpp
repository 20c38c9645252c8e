// osiris/options.hpp: an adapter's options, each written once: flag, type, default, range, help, and the member of the
// adapter's own configuration that its value goes to. C++17, header only, NOT part of the ABI, like
// <osiris/adapter.hpp>:
//
//     struct Config {
//       std::chrono::milliseconds wait{};
//       std::vector<std::string> hosts;
//     };
//     constexpr std::array kRows = {
//         osiris::plugin::Bound<Config>{OSIRIS_DURATION, "wait", &Config::wait, "how long to wait", {}, "60"},
//         osiris::plugin::Bound<Config>{OSIRIS_TEXT, "host", &Config::hosts, "a host to use", "HOST", {}, {}, {}, {},
//                                       OSIRIS_REPEATED},
//     };
//
//     static constexpr auto kOptions = osiris::plugin::descriptors(kRows);  // what <osiris/adapter.hpp> asks for
//     void configure(const std::vector<Setting>& settings) { osiris::plugin::apply(kRows, settings, config_); }
//
// The host hands every default to configure, so that a configuration holds no defaults of its own.
#pragma once

#include <osiris/adapter.h>
#include <osiris/adapter.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace osiris::plugin {

// Where a value goes. Numbers of OSIRIS_INT and OSIRIS_BYTES: int64_t; OSIRIS_FLOAT: double; OSIRIS_DURATION:
// milliseconds, rounded to the nearest; OSIRIS_PAIR: a map, or a vector of "NAME=VALUE"; repeated options: a vector.
// For what no member can take: a function, which throws Failure for a value that it refuses.
template <class Config>
using Target =
    std::variant<bool Config::*, int64_t Config::*, std::optional<int64_t> Config::*, double Config::*,
                 std::chrono::milliseconds Config::*, std::string Config::*, std::vector<std::string> Config::*,
                 std::map<std::string, std::string> Config::*, void (*)(Config&, std::string_view)>;

// The values of an OSIRIS_CHOICE; a static array.
struct Choices {
  constexpr Choices() = default;
  template <size_t N>
  constexpr Choices(const osiris_str (&list)[N]) : values(list), count(N) {}
  const osiris_str* values = nullptr;
  uint32_t count = 0;
};

// One option. All texts are static; empty ones are left out. What each means: osiris_option in <osiris/adapter.h>.
template <class Config>
struct Bound {
  uint32_t type;
  std::string_view name;
  Target<Config> target;
  std::string_view help;
  std::string_view value_name = {};
  std::string_view default_value = {};
  std::string_view minimum = {};
  std::string_view maximum = {};
  std::string_view bare_unit = {};
  uint32_t flags = 0;
  Choices choices = {};
  std::string_view shared_env = {};
};

template <class Config>
constexpr osiris_option descriptor(const Bound<Config>& row) noexcept {
  osiris_option option{};
  option.size = sizeof(osiris_option);
  option.type = row.type;
  option.flags = row.flags;
  option.name = to_abi(row.name);
  option.help = to_abi(row.help);
  option.value_name = to_abi(row.value_name);
  option.default_value = to_abi(row.default_value);
  option.minimum = to_abi(row.minimum);
  option.maximum = to_abi(row.maximum);
  option.bare_unit = to_abi(row.bare_unit);
  option.choices = row.choices.values;
  option.choice_count = row.choices.count;
  option.shared_env = to_abi(row.shared_env);
  return option;
}

template <class Config, size_t N>
constexpr std::array<osiris_option, N> descriptors(const std::array<Bound<Config>, N>& rows) noexcept {
  std::array<osiris_option, N> options{};
  for (size_t i = 0; i < N; ++i) options[i] = descriptor(rows[i]);
  return options;
}

namespace detail {

template <class Config, size_t N, size_t M, size_t... I, size_t... J>
constexpr std::array<Bound<Config>, N + M> joined(const std::array<Bound<Config>, N>& first,
                                                  const std::array<Bound<Config>, M>& second, std::index_sequence<I...>,
                                                  std::index_sequence<J...>) {
  return {first[I]..., second[J]...};
}

}  // namespace detail

// Two tables as one: options that several adapters share, and those of one.
template <class Config, size_t N, size_t M>
constexpr std::array<Bound<Config>, N + M> joined(const std::array<Bound<Config>, N>& first,
                                                  const std::array<Bound<Config>, M>& second) {
  return detail::joined(first, second, std::make_index_sequence<N>(), std::make_index_sequence<M>());
}

namespace detail {

// Values come checked and canonical from the host.
template <class Number>
Number to_number(std::string_view text) noexcept {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

inline void put(bool& member, std::string_view value) { member = value == "true"; }
inline void put(int64_t& member, std::string_view value) { member = to_number<int64_t>(value); }
inline void put(std::optional<int64_t>& member, std::string_view value) { member = to_number<int64_t>(value); }
inline void put(double& member, std::string_view value) { member = to_number<double>(value); }
inline void put(std::chrono::milliseconds& member, std::string_view value) {
  member = std::chrono::milliseconds(std::llround(to_number<double>(value) * 1000));
}
inline void put(std::string& member, std::string_view value) { member = value; }
inline void put(std::vector<std::string>& member, std::string_view value) { member.emplace_back(value); }
inline void put(std::map<std::string, std::string>& member, std::string_view pair) {
  const size_t equals = pair.find('=');
  member[std::string(pair.substr(0, equals))] =
      equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
}

template <class Config>
void assign(const Target<Config>& target, std::string_view value, Config& config) {
  std::visit(
      [&](auto where) {
        if constexpr (std::is_member_object_pointer_v<decltype(where)>)
          put(config.*where, value);
        else
          where(config, value);
      },
      target);
}

}  // namespace detail

// Puts the settings of `configure` where they belong. Throws Failure for a setting that no row names, and what a row's
// function throws.
template <class Config, size_t N>
void apply(const std::array<Bound<Config>, N>& rows, const std::vector<Setting>& settings, Config& config) {
  for (const Setting& setting : settings) {
    const Bound<Config>* found = nullptr;
    for (const Bound<Config>& row : rows)
      if (row.name == setting.name) found = &row;
    if (!found) throw Failure(OSIRIS_INVALID_ARGUMENT, "there is no option \"" + std::string(setting.name) + "\"");
    detail::assign(found->target, setting.value, config);
  }
}

// A configuration in which every option has its default.
template <class Config, size_t N>
Config defaults(const std::array<Bound<Config>, N>& rows) {
  Config config{};
  for (const Bound<Config>& row : rows)
    if (!row.default_value.empty()) detail::assign(row.target, row.default_value, config);
  return config;
}

}  // namespace osiris::plugin
