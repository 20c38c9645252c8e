// osiris/adapter.hpp: adapters in C++17, header only. NOT part of the ABI: it compiles into the plugin and may change
// with any release; what crosses to the host is <osiris/adapter.h> alone.
//
// Derive from osiris::plugin::Adapter, describe yourself in static members, export the entry:
//
//     class Mine : public osiris::plugin::Adapter {
//      public:
//       static constexpr osiris_str kId = OSIRIS_STR("mine"), kName = OSIRIS_STR("Mine"),
//                                   kVersion = OSIRIS_STR("1.0.0"), kSummary = OSIRIS_STR("runs it my way");
//       // or by <osiris/options.hpp>, with the member that each one sets
//       static constexpr std::array<osiris_option, 1> kOptions = {
//           osiris::plugin::option(OSIRIS_DURATION, "wait", "how long to wait", "60")};
//       static constexpr std::array<osiris_secret, 1> kSecrets = {
//           osiris::plugin::secret("MINE_TOKEN", "a token of the service; its console makes them")};
//
//       explicit Mine(osiris::plugin::Host host) : Adapter(host) {}
//
//       std::string prepare(const osiris::plugin::Request&) override;  // returns the document "prepared"
//       ...
//     };
//     OSIRIS_PLUGIN(Mine)
//
// Functions report failure by throwing osiris::plugin::Failure. Everything thrown is caught here, told to the host with
// `fail`, and returned as a status: nothing crosses the line. `osiris adapters new NAME` writes a complete adapter.
#pragma once

#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>
#include <osiris/host.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace osiris::plugin {

// osiris_request with string_views, which live until the call returns.
struct Request {
  explicit Request(const osiris_request& request) noexcept
      : attempt(request.attempt),
        run_id(to_view(request.run_id)),
        manifest_json(to_view(request.manifest_json)),
        connections_json(to_view(request.connections_json)),
        prepared_json(to_view(request.prepared_json)),
        compiled_dir(to_view(request.compiled_dir)),
        session_dir(to_view(request.session_dir)),
        work_dir(to_view(request.work_dir)),
        worker_path(to_view(request.worker_path)),
        worker_sha256(to_view(request.worker_sha256)),
        settings_json(to_view(request.settings_json)),
        deadline_unix_ns(request.deadline_unix_ns),
        grace_ns(OSIRIS_HAS(&request, grace_ns) && request.grace_ns > 0 ? request.grace_ns : 30'000'000'000) {}

  uint32_t attempt;
  std::string_view run_id, manifest_json, connections_json, prepared_json, compiled_dir, session_dir, work_dir,
      worker_path, worker_sha256, settings_json;
  int64_t deadline_unix_ns;  // 0: none
  int64_t grace_ns;          // how long a call may go on once is_cancelled() says so
};

struct Setting {
  std::string_view name, value;
};

// osiris_resource_query with string_views, which live until the call returns.
struct ResourceQuery {
  explicit ResourceQuery(const osiris_resource_query& query) noexcept
      : settings_json(to_view(query.settings_json)),
        filter_json(to_view(query.filter_json)),
        kind(to_view(query.kind)),
        id(to_view(query.id)),
        deadline_unix_ns(query.deadline_unix_ns) {}

  std::string_view settings_json, filter_json, kind, id;
  int64_t deadline_unix_ns;  // 0: none
};

// What execute came to. A failed pipeline is not a failed adapter: `failure` is then set, its code OSIRIS_RUN_FAILED.
// A Failure of that code may also be thrown; the document then says no more than that it failed.
struct RunResult {
  std::string document;  // "result"
  std::optional<Failure> failure;
};

// One instance per run. Calls come one at a time, but for cancel; documents are returned and delivered for you.
class Adapter {
 public:
  explicit Adapter(Host host) noexcept : host_(host) {}
  virtual ~Adapter() = default;
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  virtual void configure(const std::vector<Setting>&) {}
  virtual void validate(const Request&) {}
  virtual std::string prepare(const Request&) = 0;  // "prepared"
  virtual RunResult execute(const Request&) = 0;    // "result"
  virtual std::string collect(const Request&) = 0;  // "artifacts"
  // [any thread] Wake whatever call is going on; it then sees host().is_cancelled(). Return at once.
  virtual void cancel() noexcept {}

 protected:
  Host host() const noexcept { return host_; }

 private:
  Host host_;
};

// What an adapter may offer beside Adapter: derive from it, and the extension is there.
class Resources {  // osiris.resources/1
 public:
  virtual std::string list_resources(const ResourceQuery&) = 0;    // "resources"; of query.filter_json
  virtual std::string release_resource(const ResourceQuery&) = 0;  // "released"; of query.kind and query.id

 protected:
  ~Resources() = default;
};
class Explanation {  // osiris.explain/1
 public:
  virtual std::string explain(const Request&) = 0;  // "explanation"

 protected:
  ~Explanation() = default;
};

// One option descriptor; set further fields on a copy: auto o = option(...); o.flags = OSIRIS_REPEATED;
constexpr osiris_option option(uint32_t type, std::string_view name, std::string_view help,
                               std::string_view default_value = {}, uint32_t flags = 0) noexcept {
  osiris_option o{};
  o.size = sizeof(osiris_option);
  o.type = type;
  o.flags = flags;
  o.name = to_abi(name);
  o.help = to_abi(help);
  o.default_value = to_abi(default_value);
  return o;
}

// One secret of the adapter's own: the variable the user sets. OSIRIS_REQUIRED: without it nothing can run.
constexpr osiris_secret secret(std::string_view name, std::string_view help, uint32_t flags = 0) noexcept {
  return {sizeof(osiris_secret), flags, to_abi(name), to_abi(help)};
}

namespace detail {

inline void tell(const osiris_host* host, const Failure& failure) noexcept {
  osiris_error error{};
  error.size = sizeof error;
  error.code = failure.code();
  error.message = to_abi(failure.message());
  error.hint = to_abi(failure.hint());
  error.detail_json = to_abi(failure.detail_json());
  host->fail(host, &error);
}

inline osiris_status tell_plain(const osiris_host* host, osiris_status code, const char* message) noexcept {
  osiris_error error{};
  error.size = sizeof error;
  error.code = code;
  error.message = to_abi(message);
  host->fail(host, &error);
  return code;
}

// The catch-all around every call. body() returns a status; if it is not OSIRIS_OK, it has called tell().
template <class Body>
osiris_status guard(const osiris_host* host, Body body) noexcept {
  try {
    return body();
  } catch (const Failure& failure) {
    if (failure.code() == OSIRIS_OK) return tell_plain(host, OSIRIS_INTERNAL, failure.what());
    tell(host, failure);
    return failure.code();
  } catch (const std::bad_alloc&) {
    return tell_plain(host, OSIRIS_EXHAUSTED, "out of memory");
  } catch (const std::exception& exception) {
    return tell_plain(host, OSIRIS_INTERNAL, exception.what());
  } catch (...) {
    return tell_plain(host, OSIRIS_INTERNAL, "an unknown exception was thrown");
  }
}

// What an osiris_adapter * of ours points to.
struct Instance {
  const osiris_host* host;
  std::unique_ptr<Adapter> adapter;
};
inline Instance& of(osiris_adapter* self) noexcept { return *reinterpret_cast<Instance*>(self); }

template <class A, class = void>
struct Extension {
  static const void* get(const char*) noexcept { return nullptr; }
};
template <class A>
struct Extension<A, std::void_t<decltype(A::extension(static_cast<const char*>(nullptr)))>> {
  static const void* get(const char* id) noexcept { return A::extension(id); }
};

template <class A>
struct ResourcesTable {
  static osiris_status list(osiris_adapter* self, const osiris_resource_query* query) noexcept {
    return guard(of(self).host, [&] {
      Host(of(self).host)
          .deliver("resources", static_cast<A&>(*of(self).adapter).list_resources(ResourceQuery(*query)));
      return OSIRIS_OK;
    });
  }
  static osiris_status release(osiris_adapter* self, const osiris_resource_query* query) noexcept {
    return guard(of(self).host, [&] {
      Host(of(self).host)
          .deliver("released", static_cast<A&>(*of(self).adapter).release_resource(ResourceQuery(*query)));
      return OSIRIS_OK;
    });
  }
  static constexpr osiris_resources kTable = {sizeof(osiris_resources), 0, list, release};
};

template <class A>
struct ExplanationTable {
  static osiris_status explain(osiris_adapter* self, const osiris_request* request) noexcept {
    return guard(of(self).host, [&] {
      Host(of(self).host).deliver("explanation", static_cast<A&>(*of(self).adapter).explain(Request(*request)));
      return OSIRIS_OK;
    });
  }
  static constexpr osiris_explain kTable = {sizeof(osiris_explain), 0, explain};
};

template <class A>
struct Slots {
  static osiris_status create(const osiris_adapter_type*, const osiris_host* host, osiris_adapter** out) noexcept {
    return guard(host, [&] {
      auto instance = std::make_unique<Instance>(Instance{host, std::make_unique<A>(Host(host))});
      *out = reinterpret_cast<osiris_adapter*>(instance.release());
      return OSIRIS_OK;
    });
  }
  static osiris_status configure(osiris_adapter* self, const osiris_setting* settings, size_t count) noexcept {
    return guard(of(self).host, [&] {
      std::vector<Setting> copy;
      for (size_t i = 0; i < count; ++i) copy.push_back({to_view(settings[i].name), to_view(settings[i].value)});
      of(self).adapter->configure(copy);
      return OSIRIS_OK;
    });
  }
  static osiris_status validate(osiris_adapter* self, const osiris_request* request) noexcept {
    return guard(of(self).host, [&] {
      of(self).adapter->validate(Request(*request));
      return OSIRIS_OK;
    });
  }
  static osiris_status prepare(osiris_adapter* self, const osiris_request* request) noexcept {
    return guard(of(self).host, [&] {
      Host(of(self).host).deliver("prepared", of(self).adapter->prepare(Request(*request)));
      return OSIRIS_OK;
    });
  }
  static osiris_status execute(osiris_adapter* self, const osiris_request* request) noexcept {
    return guard(of(self).host, [&]() -> osiris_status {
      const Host host(of(self).host);
      RunResult result;
      try {
        result = of(self).adapter->execute(Request(*request));
      } catch (const Failure& failure) {
        if (failure.code() != OSIRIS_RUN_FAILED) throw;
        // A failed pipeline needs its document, however it is told.
        result = {R"({"schema":"osiris.result/1","status":"failed","steps":[],"total_rows":0})", failure};
      }
      host.deliver("result", result.document);
      if (result.failure) throw *result.failure;
      return OSIRIS_OK;
    });
  }
  static osiris_status collect(osiris_adapter* self, const osiris_request* request) noexcept {
    return guard(of(self).host, [&] {
      Host(of(self).host).deliver("artifacts", of(self).adapter->collect(Request(*request)));
      return OSIRIS_OK;
    });
  }
  static void cancel(osiris_adapter* self) noexcept { of(self).adapter->cancel(); }
  static void destroy(osiris_adapter* self) noexcept { delete &of(self); }
  static const void* extension(const osiris_adapter_type*, const char* id) noexcept {
    if constexpr (std::is_base_of_v<Resources, A>)
      if (std::strcmp(id, OSIRIS_RESOURCES_V1) == 0) return &ResourcesTable<A>::kTable;
    if constexpr (std::is_base_of_v<Explanation, A>)
      if (std::strcmp(id, OSIRIS_EXPLAIN_V1) == 0) return &ExplanationTable<A>::kTable;
    return Extension<A>::get(id);
  }
};

template <class A>
struct Tables {
  template <size_t... I>
  static constexpr std::array<const osiris_option*, sizeof...(I)> pointers(std::index_sequence<I...>) noexcept {
    return {&A::kOptions[I]...};
  }
  static constexpr auto kOptionPointers = pointers(std::make_index_sequence<A::kOptions.size()>());
  template <size_t... I>
  static constexpr std::array<const osiris_secret*, sizeof...(I)> secret_pointers(std::index_sequence<I...>) noexcept {
    return {&A::kSecrets[I]...};
  }
  static constexpr auto kSecretPointers = secret_pointers(std::make_index_sequence<A::kSecrets.size()>());

  static constexpr osiris_adapter_type kType = {sizeof(osiris_adapter_type),
                                                static_cast<uint32_t>(A::kOptions.size()),
                                                A::kId,
                                                A::kName,
                                                A::kVersion,
                                                A::kSummary,
                                                A::kOptions.empty() ? nullptr : kOptionPointers.data(),
                                                A::kSecrets.empty() ? nullptr : kSecretPointers.data(),
                                                A::kSecrets.size(),
                                                Slots<A>::create,
                                                Slots<A>::configure,
                                                Slots<A>::validate,
                                                Slots<A>::prepare,
                                                Slots<A>::execute,
                                                Slots<A>::collect,
                                                Slots<A>::cancel,
                                                Slots<A>::destroy,
                                                Slots<A>::extension};
  static constexpr const osiris_adapter_type* kTypes[1] = {&kType};
  static constexpr osiris_module kModule = {sizeof(osiris_module), OSIRIS_ABI_VERSION, OSIRIS_ABI(1, 0), 1, kTypes};
};

}  // namespace detail

// The module of a library with one adapter: constant data, built by the compiler.
template <class A>
const osiris_module* module() noexcept {
  return &detail::Tables<A>::kModule;
}

}  // namespace osiris::plugin

// The entry of a library with the one adapter `A`.
#define OSIRIS_PLUGIN(A)                                                                                \
  extern "C" OSIRIS_EXPORT const osiris_module* OSIRIS_ADAPTER_MAIN(const osiris_host_info*) noexcept { \
    return osiris::plugin::module<A>();                                                                 \
  }
