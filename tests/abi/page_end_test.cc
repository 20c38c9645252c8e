// Adapters meet a host whose structs end exactly where readable memory ends: whoever reads or writes past a `size`
// crashes. A 1.0 host does this to plugins of every later minor.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

// A copy of `value` at the end of a page, followed by one that cannot be touched.
template <class T>
class AtPageEnd {
 public:
  explicit AtPageEnd(const T& value) {
    memory_ = static_cast<char*>(mmap(nullptr, 2 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + page(), page(), PROT_NONE);
    std::memcpy(place(), &value, sizeof value);
    mprotect(memory_, page(), PROT_READ);  // what is lent is not written either
  }
  ~AtPageEnd() { munmap(memory_, 2 * page()); }
  AtPageEnd(const AtPageEnd&) = delete;
  AtPageEnd& operator=(const AtPageEnd&) = delete;
  const T* get() const { return reinterpret_cast<const T*>(memory_ + page() - sizeof(T)); }

 private:
  static size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
  char* place() { return memory_ + page() - sizeof(T); }
  char* memory_;
};

std::vector<std::string>& delivered() {
  static std::vector<std::string> documents;
  return documents;
}

osiris_host bare_host() {
  osiris_host host{};
  host.size = sizeof host;
  host.abi = OSIRIS_ABI(1, 0);
  host.fail = [](const osiris_host*, const osiris_error*) noexcept {};
  host.log = [](const osiris_host*, const osiris_log*) noexcept {};
  host.emit_event = [](const osiris_host*, const osiris_event*) noexcept {};
  host.emit_metric = [](const osiris_host*, const osiris_metric*) noexcept {};
  host.progress = [](const osiris_host*, const osiris_progress*) noexcept {};
  host.is_cancelled = [](const osiris_host*) noexcept { return 0; };
  host.with_secret = [](const osiris_host*, osiris_str, void (*)(void*, osiris_str) noexcept, void*) noexcept {
    return osiris_status{OSIRIS_NOT_FOUND};
  };
  host.deliver = [](const osiris_host*, const char* name, osiris_str) noexcept {
    delivered().emplace_back(name);
    return osiris_status{OSIRIS_OK};
  };
  host.extension = [](const osiris_host*, const char*) noexcept -> const void* { return nullptr; };
  return host;
}

class PageEnd : public ::testing::TestWithParam<std::string> {};

TEST_P(PageEnd, IsNotCrossedByAnAdapter) {
  const auto adapter = load(build_dir() / "plugins" / (GetParam() + ".so"), GetParam());
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  const osiris_adapter_type& type = *adapter->type;
  delivered().clear();
  const AtPageEnd<osiris_host> host(bare_host());
  const std::string manifest = R"({"steps":[]})", connections = "{}";
  osiris_request values{};
  values.size = sizeof values;
  values.attempt = 1;
  values.manifest_json = {manifest.data(), manifest.size()};
  values.connections_json = {connections.data(), connections.size()};
  const AtPageEnd<osiris_request> request(values);
  const AtPageEnd<osiris_setting> setting({OSIRIS_STR("patience"), OSIRIS_STR("60")});

  osiris_adapter* self = nullptr;
  ASSERT_EQ(type.create(&type, host.get(), &self), OSIRIS_OK);
  EXPECT_EQ(type.configure(self, setting.get(), 1), OSIRIS_OK);
  EXPECT_EQ(type.validate(self, request.get()), OSIRIS_OK);
  EXPECT_EQ(type.prepare(self, request.get()), OSIRIS_OK);
  EXPECT_EQ(type.execute(self, request.get()), OSIRIS_OK);
  EXPECT_EQ(type.collect(self, request.get()), OSIRIS_OK);
  type.cancel(self);
  type.destroy(self);
  EXPECT_EQ(delivered(), (std::vector<std::string>{"prepared", "result", "artifacts"}));
}

// The template in C++ takes no request without a run: `borrow.*` of the check puts it to the same.
INSTANTIATE_TEST_SUITE_P(All, PageEnd, ::testing::Values("cmini", "rmini", "frozen"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace osiris::abi_tests
