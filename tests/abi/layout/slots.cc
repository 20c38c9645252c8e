// The exact type of every function in the 1.0 headers, `noexcept` and calling convention with it, as compile-time
// facts; and what the macros do. C++17, where noexcept is part of a type. Frozen with the ABI: a later minor adds
// lines, it changes none.
#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <cstring>
#include <string_view>
#include <type_traits>

#define SLOT(table, slot, ...) static_assert(std::is_same_v<decltype(table::slot), __VA_ARGS__>, #table "." #slot)

SLOT(osiris_host, fail, void (*)(const osiris_host*, const osiris_error*) noexcept);
SLOT(osiris_host, log, void (*)(const osiris_host*, const osiris_log*) noexcept);
SLOT(osiris_host, emit_event, void (*)(const osiris_host*, const osiris_event*) noexcept);
SLOT(osiris_host, emit_metric, void (*)(const osiris_host*, const osiris_metric*) noexcept);
SLOT(osiris_host, progress, void (*)(const osiris_host*, const osiris_progress*) noexcept);
SLOT(osiris_host, is_cancelled, int32_t (*)(const osiris_host*) noexcept);
SLOT(osiris_host, with_secret,
     osiris_status (*)(const osiris_host*, osiris_str, void (*)(void*, osiris_str) noexcept, void*) noexcept);
SLOT(osiris_host, deliver, osiris_status (*)(const osiris_host*, const char*, osiris_str) noexcept);
SLOT(osiris_host, extension, const void* (*)(const osiris_host*, const char*) noexcept);
SLOT(osiris_adapter_type, create,
     osiris_status (*)(const osiris_adapter_type*, const osiris_host*, osiris_adapter**) noexcept);
SLOT(osiris_adapter_type, configure, osiris_status (*)(osiris_adapter*, const osiris_setting*, size_t) noexcept);
SLOT(osiris_adapter_type, validate, osiris_status (*)(osiris_adapter*, const osiris_request*) noexcept);
SLOT(osiris_adapter_type, prepare, osiris_status (*)(osiris_adapter*, const osiris_request*) noexcept);
SLOT(osiris_adapter_type, execute, osiris_status (*)(osiris_adapter*, const osiris_request*) noexcept);
SLOT(osiris_adapter_type, collect, osiris_status (*)(osiris_adapter*, const osiris_request*) noexcept);
SLOT(osiris_adapter_type, cancel, void (*)(osiris_adapter*) noexcept);
SLOT(osiris_adapter_type, destroy, void (*)(osiris_adapter*) noexcept);
SLOT(osiris_adapter_type, extension, const void* (*)(const osiris_adapter_type*, const char*) noexcept);

SLOT(osiris_resources, list, osiris_status (*)(osiris_adapter*, const osiris_resource_query*) noexcept);
SLOT(osiris_resources, release, osiris_status (*)(osiris_adapter*, const osiris_resource_query*) noexcept);

SLOT(osiris_explain, explain, osiris_status (*)(osiris_adapter*, const osiris_request*) noexcept);

// Another declaration with C linkage: the header's must have it too.
extern "C" const osiris_module* osiris_adapter_main_v1(const osiris_host_info*) noexcept;
static_assert(
    std::is_same_v<decltype(&osiris_adapter_main_v1), const osiris_module* (*)(const osiris_host_info*) noexcept>,
    "osiris_adapter_main_v1");
static_assert(std::is_same_v<osiris_status, int32_t>, "osiris_status");
static_assert(std::string_view(OSIRIS_RESOURCES_V1) == "osiris.resources/1", "the extension's id");
static_assert(std::string_view(OSIRIS_EXPLAIN_V1) == "osiris.explain/1", "the extension's id");

constexpr osiris_str kText = OSIRIS_STR("text");
static_assert(kText.len == 4, "OSIRIS_STR does not count the terminator");

// OSIRIS_HAS and OSIRIS_CAN, at the edges of every field of a table that ends there.
template <class Table, class Field>
bool edges_hold(size_t offset, size_t bytes, Field has) {
  Table table{};
  table.size = static_cast<uint32_t>(offset + bytes - 1);
  if (has(&table)) return false;
  table.size = static_cast<uint32_t>(offset + bytes);
  if (!has(&table)) return false;
  table.size = static_cast<uint32_t>(offset + bytes + 1);
  return has(&table);
}
#define EDGES(type, field) \
  edges_hold<type>(offsetof(type, field), sizeof(type::field), [](type* p) { return OSIRIS_HAS(p, field) != 0; })

int main() {
  osiris_adapter_type table{};
  table.size = sizeof table;
  const bool null_is_none = !(OSIRIS_CAN(&table, extension));
  table.extension = [](const osiris_adapter_type*, const char*) noexcept -> const void* { return nullptr; };
  const bool set_is_one = OSIRIS_CAN(&table, extension);
  table.size = static_cast<uint32_t>(offsetof(osiris_adapter_type, extension));
  const bool beyond_is_none = !(OSIRIS_CAN(&table, extension));
  return EDGES(osiris_module, adapters) && EDGES(osiris_request, grace_ns) && EDGES(osiris_error, hint) &&
                 EDGES(osiris_adapter_type, extension) && null_is_none && set_is_one && beyond_is_none &&
                 std::strcmp(kText.data, "text") == 0
             ? 0
             : 1;
}
