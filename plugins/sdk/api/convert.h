// Between the public types of osiris-adapter-sdk and those that it is made of.
#pragma once

#include <osiris/host.hpp>
#include <osiris/sdk/channel.hpp>
#include <osiris/sdk/process.hpp>

#include <exception>

#include "plugins/sdk/channel/channel.h"
#include "plugins/sdk/channel/waker.h"
#include "protocol/base/error.h"
#include "protocol/base/subprocess.h"

namespace osiris::adapter_sdk {

struct Waker::Parts {
  sdk::Waker waker;
};

Error to_error(const plugin::Failure& failure);

Exit to_exit(const sdk::ExitInfo& exit);
sdk::ExitInfo to_exit(const Exit& exit);
SpawnOptions to_spawn_options(const Program& program);

// What `call` returns, or what it throws as an error: nothing that is thrown comes into the threads of the sdk.
template <class Call>
auto value_of(Call call) -> Result<decltype(call())> {
  try {
    return call();
  } catch (const plugin::Failure& failure) {
    return to_error(failure);
  } catch (const std::exception& exception) {
    return Error(Code::kInternal, exception.what());
  }
}
template <class Call>
Status status_of(Call call) {
  const auto done = value_of([&] {
    call();
    return true;
  });
  return done ? Status() : Status(done.error());
}

// An adapter's channel as the run loop wants it. Borrows it.
class LoopChannel : public sdk::Channel {
 public:
  explicit LoopChannel(ByteChannel& channel) : channel_(channel) {}

  Status send(std::string bytes) override;
  sdk::ReceiveOutcome receive(sdk::Incoming& into, int64_t timeout_ms) override;
  void close_input() override;
  void kill() override;
  sdk::Diagnosis diagnose() override;
  Status reopen() override;
  Result<std::string> fetch_records(uint64_t from_seq) override;

 private:
  ByteChannel& channel_;
};

}  // namespace osiris::adapter_sdk
