// What an event costs on its way through the ABI: by the time of the processor, as the best of several, beside what
// the same processor takes at the same time to read the event's JSON, for a busy machine lengthens both. The figure in
// microseconds is printed; docs/plugin-abi.md has it of a quiet machine.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cstdio>

#include "host/adapters/abi_text.h"
#include "host/adapters/instance.h"
#include "protocol/base/json.h"
#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

constexpr int kEvents = 50'000, kRounds = 7;
constexpr std::string_view kData = R"({"rows":1000,"bytes":65536})";

double processor_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// The best of some rounds, for one of kEvents.
template <class Act>
double us_of_each(Act act) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double began = processor_us();
    for (int i = 0; i < kEvents; ++i) act();
    best = std::min(best, (processor_us() - began) / kEvents);
  }
  return best;
}

struct Measured {
  double bare_us = 0, with_data_us = 0;
} measured;

// An adapter whose execute tells of events, and nothing else.
struct Talkative {
  const osiris_host* host;
  static Talkative& of(osiris_adapter* self) { return *reinterpret_cast<Talkative*>(self); }
  static osiris_status execute(osiris_adapter* self, const osiris_request*) noexcept {
    const osiris_host* const host = of(self).host;
    osiris_event event{};
    event.size = sizeof event;
    event.name = OSIRIS_STR("rows_read");
    event.step_id = OSIRIS_STR("load");
    measured.bare_us = us_of_each([&] { host->emit_event(host, &event); });
    event.data_json = abi_str(kData);
    measured.with_data_us = us_of_each([&] { host->emit_event(host, &event); });
    return host->deliver(host, "result",
                         OSIRIS_STR(R"({"schema":"osiris.result/1","status":"success","steps":[],"total_rows":0})"));
  }
};

osiris_adapter_type talkative_type() {
  osiris_adapter_type type{};
  type.size = sizeof type;
  type.id = OSIRIS_STR("talkative");
  type.name = OSIRIS_STR("Talkative");
  type.version = OSIRIS_STR("1.0.0");
  type.summary = OSIRIS_STR("tells of events");
  type.create = [](const osiris_adapter_type*, const osiris_host* host,
                   osiris_adapter** out) noexcept -> osiris_status {
    *out = reinterpret_cast<osiris_adapter*>(new Talkative{host});
    return OSIRIS_OK;
  };
  type.configure = [](osiris_adapter*, const osiris_setting*, size_t) noexcept -> osiris_status { return OSIRIS_OK; };
  type.validate = [](osiris_adapter*, const osiris_request*) noexcept -> osiris_status { return OSIRIS_OK; };
  type.prepare = [](osiris_adapter* self, const osiris_request*) noexcept {
    const osiris_host* const host = Talkative::of(self).host;
    return host->deliver(host, "prepared",
                         OSIRIS_STR(R"({"schema":"osiris.prepared/1","files":[],"secret_names":[],"options":{}})"));
  };
  type.collect = [](osiris_adapter* self, const osiris_request*) noexcept {
    const osiris_host* const host = Talkative::of(self).host;
    return host->deliver(host, "artifacts", OSIRIS_STR(R"({"schema":"osiris.artifacts/1","files":[],"released":[]})"));
  };
  type.execute = Talkative::execute;
  type.cancel = [](osiris_adapter*) noexcept {};
  type.destroy = [](osiris_adapter* self) noexcept { delete &Talkative::of(self); };
  return type;
}

// Takes what comes.
class Silent : public Recorder {
 public:
  void on_event(const Event& event) override { seen += event.data.size() + 1; }
  size_t seen = 0;
};

TEST(BoundaryCost, OfAnEventIsLessThanThatOfReadingItsData) {
  const osiris_adapter_type type = talkative_type();
  Silent silent;
  TemporaryDirectory directory;
  const Life life = run_life(type, silent, request_in(directory.path()));
  ASSERT_TRUE(life.executed.ok()) << life.executed.status.error().message;
  EXPECT_EQ(silent.seen, size_t{kEvents} * kRounds * (1 + 3));
  size_t read = 0;
  const double parsing_us = us_of_each([&] { read += parse_json(kData).ok(); });
  EXPECT_EQ(read, size_t{kEvents} * kRounds);
  std::printf(
      "abi: an event across the boundary: %.2f µs of the processor; with data %.2f µs, of which reading the JSON "
      "%.2f\n",
      measured.bare_us, measured.with_data_us, parsing_us);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(NDEBUG)
  EXPECT_LE(measured.bare_us, parsing_us);
  EXPECT_LE(measured.with_data_us, 2 * parsing_us);
#endif
}

}  // namespace
}  // namespace osiris::abi_tests
