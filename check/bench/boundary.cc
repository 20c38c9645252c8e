// What the adapter is called through; the services it calls are in boundary_services.cc.
#include "check/bench/boundary.h"

#include "check/bench/boundary_services.h"

namespace osiris::check {

struct Slots {
  using Instance = Boundary::Instance;
  static Instance& of(osiris_adapter* self) { return *reinterpret_cast<Instance*>(self); }
  static Boundary& of(const osiris_adapter_type* type) {
    return *reinterpret_cast<const Boundary::Shown*>(type)->boundary;
  }
  // What was lent for one call is looked at and taken back.
  struct Lending {
    explicit Lending(Boundary& of) : boundary(of), memory(of.manner_.placement) {}
    ~Lending() {
      if (!memory.is_untouched()) boundary.wrote_ = true;
    }
    Boundary& boundary;
    LentMemory memory;
  };

  static const osiris_request* lend(Lending& lending, const osiris_request& from) {
    osiris_request request = from;
    for (osiris_str* text : {&request.run_id, &request.manifest_json, &request.connections_json, &request.prepared_json,
                             &request.compiled_dir, &request.session_dir, &request.work_dir, &request.worker_path,
                             &request.worker_sha256, &request.settings_json})
      *text = lending.memory.text(*text);
    const HostManner& manner = lending.boundary.manner_;
    if (manner.has_no_settings_json) request.settings_json = {nullptr, 0};
    if (manner.grace_ns) request.grace_ns = manner.grace_ns;
    return lending.memory.table(request, manner.growth);
  }
  static const osiris_resource_query* lend(Lending& lending, const osiris_resource_query& from) {
    osiris_resource_query query = from;
    for (osiris_str* text : {&query.settings_json, &query.filter_json, &query.kind, &query.id})
      *text = lending.memory.text(*text);
    return lending.memory.table(query, lending.boundary.manner_.growth);
  }

  static osiris_status create(const osiris_adapter_type* type, const osiris_host* host, osiris_adapter** out) noexcept {
    Boundary& boundary = of(type);
    auto* instance = new Instance{&boundary};  // kept: late threads call with it
    instance->host = host;
    instance->given =
        boundary.for_instances_.table(Services::table(instance, boundary.manner_.abi), boundary.manner_.growth);
    auto* const untouched = reinterpret_cast<osiris_adapter*>(instance);
    osiris_adapter* made = untouched;
    const osiris_status status = boundary.real_.create(&boundary.real_, instance->given, &made);
    if (status == OSIRIS_OK ? made == untouched || !made : made != untouched) boundary.out_is_wrong_ = true;
    if (status != OSIRIS_OK) return status;
    if (!made || made == untouched) return *out = nullptr, status;
    instance->real = made;
    *out = reinterpret_cast<osiris_adapter*>(instance);
    return status;
  }

  static osiris_status configure(osiris_adapter* self, const osiris_setting* settings, size_t n) noexcept {
    Instance& instance = of(self);
    Lending lending(*instance.boundary);
    std::vector<osiris_setting> lent;
    for (size_t i = 0; i < n; ++i)
      lent.push_back({lending.memory.text(settings[i].name), lending.memory.text(settings[i].value)});
    const void* array = lent.empty() ? nullptr : lending.memory.copy(lent.data(), lent.size() * sizeof lent[0]);
    return instance.boundary->real_.configure(instance.real, static_cast<const osiris_setting*>(array), n);
  }

  template <osiris_status (*osiris_adapter_type::*slot)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT>
  static osiris_status stage(osiris_adapter* self, const osiris_request* request) noexcept {
    Instance& instance = of(self);
    Lending lending(*instance.boundary);
    return (instance.boundary->real_.*slot)(instance.real, lend(lending, *request));
  }

  static void cancel(osiris_adapter* self) noexcept { of(self).boundary->real_.cancel(of(self).real); }

  static void destroy(osiris_adapter* self) noexcept {
    of(self).boundary->real_.destroy(of(self).real);
    of(self).destroyed = true;
  }

  template <class Table>
  static const Table* extension_of(osiris_adapter* self, const char* id) {
    const osiris_adapter_type& real = of(self).boundary->real_;
    return static_cast<const Table*>(real.extension(&real, id));
  }
  static osiris_status explain(osiris_adapter* self, const osiris_request* request) noexcept {
    Lending lending(*of(self).boundary);
    return extension_of<osiris_explain>(self, OSIRIS_EXPLAIN_V1)->explain(of(self).real, lend(lending, *request));
  }
  static osiris_status list(osiris_adapter* self, const osiris_resource_query* query) noexcept {
    Lending lending(*of(self).boundary);
    return extension_of<osiris_resources>(self, OSIRIS_RESOURCES_V1)->list(of(self).real, lend(lending, *query));
  }
  static osiris_status release(osiris_adapter* self, const osiris_resource_query* query) noexcept {
    Lending lending(*of(self).boundary);
    return extension_of<osiris_resources>(self, OSIRIS_RESOURCES_V1)->release(of(self).real, lend(lending, *query));
  }
  static const void* extension(const osiris_adapter_type* type, const char* id) noexcept {
    static constexpr osiris_explain kExplain = {sizeof(osiris_explain), 0, explain};
    static constexpr osiris_resources kResources = {sizeof(osiris_resources), 0, list, release};
    const osiris_adapter_type& real = of(type).real_;
    if (!OSIRIS_CAN(&real, extension) || !real.extension(&real, id)) return nullptr;
    if (std::string_view(id) == OSIRIS_EXPLAIN_V1) return &kExplain;
    if (std::string_view(id) == OSIRIS_RESOURCES_V1) return &kResources;
    return nullptr;
  }
};

Boundary::Boundary(const osiris_adapter_type& real, const HostManner& manner)
    : real_(real), manner_(manner), for_instances_(manner.placement) {
  using Type = osiris_adapter_type;
  osiris_adapter_type& table = shown_.table;
  table.size = sizeof table;
  table.option_count = real.option_count;
  table.id = real.id;
  table.name = real.name;
  table.version = real.version;
  table.summary = real.summary;
  table.options = real.options;
  table.secrets = real.secrets;
  table.secret_count = real.secret_count;
  table.create = Slots::create;
  table.configure = Slots::configure;
  table.validate = Slots::stage<&Type::validate>;
  table.prepare = Slots::stage<&Type::prepare>;
  table.execute = Slots::stage<&Type::execute>;
  table.collect = Slots::stage<&Type::collect>;
  table.cancel = Slots::cancel;
  table.destroy = Slots::destroy;
  table.extension = Slots::extension;
  shown_.boundary = this;
}

Boundary& Boundary::make(const osiris_adapter_type& real, const HostManner& manner) {
  static auto& kept = *new std::vector<Boundary*>();
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  kept.push_back(new Boundary(real, manner));
  return *kept.back();
}

std::vector<std::string> Boundary::findings(std::string_view kind) const {
  const std::lock_guard lock(mutex_);
  const auto found = findings_.find(kind);
  return found == findings_.end() ? std::vector<std::string>() : found->second;
}

void Boundary::found(std::string_view kind, const std::string& what) {
  constexpr size_t kKeptMax = 10;
  const std::lock_guard lock(mutex_);
  auto& of_kind = findings_[std::string(kind)];
  if (of_kind.size() < kKeptMax) of_kind.push_back(what);
}

std::vector<std::string> Boundary::secrets_asked() const {
  const std::lock_guard lock(mutex_);
  return secrets_asked_;
}

std::map<std::string, int> Boundary::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void Boundary::count(const char* service) {
  const std::lock_guard lock(mutex_);
  ++calls_[service];
}

}  // namespace osiris::check
