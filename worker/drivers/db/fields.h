// Reading a connection's fields and a step's config, as drivers of databases do it. Errors say `Step <id>: ...` and
// carry connection.invalid_config or config.invalid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::db {

Error connection_fault(const StepContext& context, const std::string& what, std::string hint = {});
Error config_fault(const StepContext& context, const std::string& what, std::string hint = {});

// A whole number, written as one or as text: values from the environment are text. nullopt: neither, or out of range.
std::optional<uint64_t> whole_number(const Json& value, uint64_t min, uint64_t max);

// Reads one whole-number member into `target` if it is there and not null.
template <class Integer>
Status read_number(const StepContext& context, const Json& fields, std::string_view key, uint64_t min, uint64_t max,
                   Integer& target) {
  const Json& value = fields[key];
  if (value.is_null()) return {};
  const auto number = whole_number(value, min, max);
  if (!number) {
    return connection_fault(context, "'" + std::string(key) + "' must be a whole number from " + std::to_string(min) +
                                         " to " + std::to_string(max) + ", got " + value.dump());
  }
  target = static_cast<Integer>(*number);
  return {};
}

// The first of two that is a text and not empty.
std::string first_text(const Json& a, const Json& b);

// One name or address. Client libraries give other characters a meaning of their own (several hosts, connection
// strings, URLs).
bool is_plain_host(const std::string& host);

// Fields that no driver of `family` knows, `dsn` above all. `known` lists the others.
Status refuse_unknown_fields(const StepContext& context, const Json& fields, const std::string& family,
                             const std::vector<std::string>& known);

// The PEM file of the authorities to trust: `ca` is its path or its text, which is put into the step's scratch
// directory; empty: the system's own list.
Result<std::string> ca_file(const std::string& ca, const std::string& field, const std::filesystem::path& scratch_dir,
                            const std::string& step_id);

// A server machine that vanishes without a word is noticed within 90 s.
void keep_alive(int socket);

}  // namespace osiris::worker::db
