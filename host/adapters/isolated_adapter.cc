#include "host/adapters/isolated_adapter.h"

#include <osiris/ext/early.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <vector>

#include "host/adapters/abi_text.h"
#include "host/adapters/adapter_process.h"
#include "protocol/base/thread.h"

namespace osiris {

using namespace isolation;

namespace {

struct Isolation {
  std::filesystem::path program;
  int64_t grace_ns = 0;  // of a call without a request, once it is bounded
};

Isolation& isolation_now() {
  static auto& now = *new Isolation;
  return now;
}

}  // namespace

void set_isolation_program(std::filesystem::path path, int64_t grace_ns) {
  isolation_now() = {std::move(path), grace_ns};
}
const std::filesystem::path& isolation_program() { return isolation_now().program; }

struct IsolatedAdapter::Table {
  // What stands behind the osiris_adapter that callers see.
  struct Instance {
    IsolatedAdapter& adapter;
    const osiris_host* host;
    std::unique_ptr<AdapterProcess> process;
  };
  static Instance& of(osiris_adapter* instance) { return *reinterpret_cast<Instance*>(instance); }

  static osiris_status fail(const osiris_host* host, const Error& cause) {
    osiris_error error{};
    error.size = sizeof error;
    error.code = static_cast<osiris_status>(cause.code);
    error.message = abi_str(cause.message);
    error.hint = abi_str(cause.hint);
    host->fail(host, &error);
    return error.code;
  }
  static osiris_status fail(const osiris_host* host, const std::string& message) {
    return fail(host, Error(Code::kInternal, message, "report it to the adapter's author"));
  }

  static osiris_status call(Instance& instance, Slot slot, const Writer& arguments, int64_t grace_ns,
                            bool* has_instance = nullptr) {
    if (instance.host->is_cancelled(instance.host) && slot != Slot::kDestroy) instance.process->cancel();
    const auto returned =
        instance.process->call(slot, arguments.body, grace_ns, slot == Slot::kDestroy || instance.adapter.lost_.load());
    if (!returned) {
      instance.adapter.lost_ = true;
      return fail(instance.host, "the adapter's process " + instance.process->end());
    }
    if (returned->thrown) return fail(instance.host, "threw an exception across the C interface: " + *returned->thrown);
    if (has_instance) *has_instance = returned->has_instance;
    return returned->status;
  }

  static osiris_status create(const osiris_adapter_type* type, const osiris_host* host, osiris_adapter** out) noexcept {
    IsolatedAdapter& adapter = *reinterpret_cast<const Slots*>(type)->self;
    auto process = adapter.take_process();
    if (!process.ok()) return fail(host, process.error().message);
    auto instance = std::make_unique<Instance>(Instance{adapter, host, *std::move(process)});
    if (!instance->process->serve(host)) return fail(host, no_more_threads("the adapter's process cannot be heard"));
    bool has_instance = false;
    const osiris_status status = call(*instance, Slot::kCreate, Writer(), isolation_now().grace_ns, &has_instance);
    if (status == OSIRIS_OK && has_instance) *out = reinterpret_cast<osiris_adapter*>(instance.release());
    return status;
  }

  static osiris_status configure(osiris_adapter* self, const osiris_setting* settings, size_t n) noexcept {
    Writer writer;
    writer.number(static_cast<int64_t>(n));
    for (size_t i = 0; i < n; ++i) writer.text(settings[i].name).text(settings[i].value);
    return call(of(self), Slot::kConfigure, writer, isolation_now().grace_ns);
  }

  template <Slot slot>
  static osiris_status requested(osiris_adapter* self, const osiris_request* request) noexcept {
    Writer writer;
    write_request(writer, *request);
    return call(of(self), slot, writer, request->grace_ns);
  }

  template <Slot slot>
  static osiris_status queried(osiris_adapter* self, const osiris_resource_query* query) noexcept {
    Writer writer;
    write_query(writer, *query);
    return call(of(self), slot, writer, query->grace_ns);
  }

  static void cancel(osiris_adapter* self) noexcept { of(self).process->cancel(); }

  // A process that ended, or has to be killed, now or before, releases nothing more.
  static void destroy(osiris_adapter* self) noexcept {
    const std::unique_ptr<Instance> instance(&of(self));
    if (instance->process->end().empty()) call(*instance, Slot::kDestroy, Writer(), isolation_now().grace_ns);
  }

  // In the process that told of the table: the first instance takes it, and what has begun with it.
  static void begin(const osiris_adapter_type* type, const osiris_early_run* run) noexcept {
    reinterpret_cast<const Slots*>(type)->self->begin_early(*run);
  }

  static const void* extension(const osiris_adapter_type* type, const char* id) noexcept {
    static constexpr osiris_early kEarly = {sizeof(osiris_early), 0, begin};
    static constexpr osiris_explain kExplain = {sizeof(osiris_explain), 0, requested<Slot::kExplain>};
    static constexpr osiris_resources kResources = {sizeof(osiris_resources), 0, queried<Slot::kList>,
                                                    queried<Slot::kRelease>};
    const Description& description = reinterpret_cast<const Slots*>(type)->self->description_;
    const std::string_view wanted = id;
    if (wanted == OSIRIS_EXPLAIN_V1 && description.has.explain) return &kExplain;
    if (wanted == OSIRIS_RESOURCES_V1 && description.has.resources) return &kResources;
    if (wanted == OSIRIS_EARLY_V1 && description.has.early) return &kEarly;
    return nullptr;
  }
};

IsolatedAdapter::IsolatedAdapter(Library library) : library_(std::move(library)) {}
IsolatedAdapter::~IsolatedAdapter() = default;

Result<IsolatedAdapter*> IsolatedAdapter::load(Library library) {
  if (isolation_program().empty())
    return Error(Code::kUnsupported, "this program cannot give the adapter " + library.id + " a process of its own",
                 "run it by osiris");
  std::unique_ptr<IsolatedAdapter> adapter(new IsolatedAdapter(std::move(library)));
  std::string answer;
  OSIRIS_ASSIGN(adapter->described_, AdapterProcess::start(adapter->library_, answer));
  Reader reader(answer);
  if (!adapter->description_.read(reader, adapter->slots_.table))
    return Error(Code::kInternal, "the process of the adapter " + adapter->library_.id + " told of no table",
                 "is another osiris in its place?");
  osiris_adapter_type& table = adapter->slots_.table;
  table.create = Table::create;
  table.configure = Table::configure;
  table.validate = Table::requested<Slot::kValidate>;
  table.prepare = Table::requested<Slot::kPrepare>;
  table.execute = Table::requested<Slot::kExecute>;
  table.collect = Table::requested<Slot::kCollect>;
  table.cancel = Table::cancel;
  table.destroy = Table::destroy;
  table.extension = Table::extension;
  adapter->slots_.self = adapter.get();
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<IsolatedAdapter>>();  // reachable: a decision, not a leak
  const std::lock_guard lock(mutex);
  return kept.emplace_back(std::move(adapter)).get();
}

void IsolatedAdapter::begin_early(const osiris_early_run& run) {
  const std::lock_guard lock(mutex_);
  if (described_) described_->begin_early(run);
}

Result<std::unique_ptr<AdapterProcess>> IsolatedAdapter::take_process() {
  {
    const std::lock_guard lock(mutex_);
    if (described_) return std::move(described_);
  }
  std::string answer;
  return AdapterProcess::start(library_, answer);
}

}  // namespace osiris
