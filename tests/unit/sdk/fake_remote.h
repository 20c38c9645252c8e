// An adapter of the test's with a place in memory, and a worker in memory on each of its machines.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "plugins/sdk/place/remote_adapter.h"
#include "protocol/archive/archive.h"
#include "protocol/base/sha256.h"
#include "protocol/rpc/frames.h"
#include "tests/unit/sdk/fake_access.h"
#include "tests/unit/sdk/fake_place.h"

namespace osiris::sdk {

// What a worker of the test's does with its run.
enum class Script { kGood, kStepFails, kCannotPrepare, kVanishes, kNeverSaysHello };

// Answers what is sent to a process by what its stream brings.
class FakeWorker {
 public:
  FakeWorker(Script script, FakeStream& stream, std::function<void()> vanish)
      : script_(script), stream_(stream), vanish_(std::move(vanish)) {
    stream_.start(7);
    if (script_ == Script::kNeverSaysHello) return;
    rpc::Hello hello;
    hello.pid = 7;
    put(hello);
  }

  void take(std::string_view bytes) {
    if (script_ == Script::kNeverSaysHello) return;
    parser_.feed(bytes);
    while (auto frame = parser_.next()) answer(*rpc::request_from_json(std::move(frame->message)));
  }
  const std::string& archive() const { return archive_; }

 private:
  void put(const rpc::Record& record) { stream_.output(*rpc::encode_message(rpc::to_json(record))); }
  void done(const std::string& id, Json result) { put(rpc::Response{id, next_seq_++, 1, std::move(result)}); }
  void failed(const std::string& id, Error error) { put(rpc::Response{id, next_seq_++, 1, std::move(error)}); }

  void answer(const rpc::Request& request) {
    const std::string& method = request.method;
    if (method == rpc::method::kPrepare) {
      if (script_ == Script::kCannotPrepare) return failed(request.id, Error(Code::kUnsupported, "no such driver"));
      done(request.id, Json::object({{"status", "ready"}}));
    } else if (method == rpc::method::kExecuteStep) {
      if (script_ == Script::kVanishes) {
        vanish_();
        stream_.bring(FakePlace::lost());
        return;
      }
      if (script_ == Script::kStepFails) return failed(request.id, Error(Code::kStepFailed, "no such table"));
      done(request.id,
           Json::object(
               {{"status", "success"}, {"step_id", "write"}, {"metrics", Json::object({{"rows_written", 2}})}}));
    } else if (method == rpc::method::kFinish && script_ != Script::kVanishes) {
      done(request.id, Json::object({{"status", "finished"}, {"total_rows", 2}}));
    } else if (method == rpc::method::kPack && script_ != Script::kVanishes) {
      done(request.id, pack(request.params["path"].as_string()));
    }
  }

  Json pack(const std::string& path) {
    static const std::string kContent = "id\n1\n2\n";
    archive::Writer writer([this](std::string_view bytes) {
      archive_ += bytes;
      return true;
    });
    EXPECT_TRUE(writer.add_bytes(1, kContent).ok());
    EXPECT_TRUE(writer.finish().ok());
    rpc::Packed packed;
    packed.path = path;
    packed.size_bytes = archive_.size();
    packed.files = {{1, "output", "write", "out.csv", kContent.size(), sha256_hex(kContent)}};
    return rpc::to_json(packed);
  }

  const Script script_;
  FakeStream& stream_;
  const std::function<void()> vanish_;
  rpc::FrameParser parser_;
  uint64_t next_seq_ = 1;
  std::string archive_;
};

// Files and processes of a machine with a FakeWorker in it.
class WorkingAccess : public FakeAccess {
 public:
  WorkingAccess(Script script, std::function<void()> vanish) : worker_(script, *streams[0], std::move(vanish)) {
    on_input = [this](std::string_view bytes) { worker_.take(bytes); };
    on_download = [this](const std::string&, uint64_t offset) -> std::unique_ptr<ByteStream> {
      return std::make_unique<FakeBytes>(std::deque<Result<std::string>>{worker_.archive().substr(offset)});
    };
  }

 private:
  FakeWorker worker_;
};

inline const ServiceDescription kDescription{"fake", "Fake", "box", "boxes", "daemon", "--fake-", {}};

// A service that a test and an adapter share.
class SharedPlace : public Place {
 public:
  explicit SharedPlace(FakePlace& inner) : inner_(inner) {}
  const Service& service() const override { return inner_.service(); }
  std::string home() const override { return inner_.home(); }
  Milliseconds request_timeout() const override { return inner_.request_timeout(); }
  uint64_t calls() const override { return inner_.calls(); }
  Result<Machine> create(const MachineSpec& wanted, const CallLimits& limits) override {
    return inner_.create(wanted, limits);
  }
  CreateFailure classify_create_failure(const Error& error) const override {
    return inner_.classify_create_failure(error);
  }
  bool may_honour_tokens() const override { return inner_.may_honour_tokens(); }
  bool is_template_failure(const Error& error) const override { return inner_.is_template_failure(error); }
  Result<std::vector<Machine>> find(const Metadata& metadata) override { return inner_.find(metadata); }
  Result<Machine> take_over(const std::string& id, int64_t lease_s) override { return inner_.take_over(id, lease_s); }
  Result<Machine> look(const std::string& id, const CallLimits& limits) override { return inner_.look(id, limits); }
  Status renew(const std::string& id, int64_t lease_s, const CallLimits& limits) override {
    return inner_.renew(id, lease_s, limits);
  }
  bool is_end_of_life(const Error& error) const override { return inner_.is_end_of_life(error); }
  std::string_view short_life_hint() const override { return inner_.short_life_hint(); }
  Status kill(const std::string& id, const CallLimits& limits) override { return inner_.kill(id, limits); }
  bool is_refusal(const Error& error) const override { return inner_.is_refusal(error); }
  Result<bool> is_gone(const std::string& id, const CallLimits& limits) override { return inner_.is_gone(id, limits); }
  Json shown_rules(const Egress& egress) const override { return inner_.shown_rules(egress); }
  std::unique_ptr<MachineAccess> access(const Machine& machine, Milliseconds limit) override {
    return inner_.access(machine, limit);
  }

 private:
  FakePlace& inner_;
};

class TestAdapter : public RemoteAdapter {
 public:
  TestAdapter(const osiris_host* table, FakePlace& place, const RemoteSettings& settings)
      : RemoteAdapter(plugin::Host(table)), place_(place) {
    set_up(settings, {{"network", settings.network}});
  }
  std::optional<Error> refuses_check, refuses_connect, refuses_begin;
  Template made_from{.id = "base", .worker_directory = {}, .cache_directory = {}, .found_by_name = false};
  int templates_built_again = 0;

 protected:
  Status check(const RunRequest&) const override { return refuses_check ? Status(*refuses_check) : Status(); }
  const ServiceDescription& description() const override { return kDescription; }
  Result<std::unique_ptr<Place>> connect() override {
    if (refuses_connect) return *refuses_connect;
    return std::unique_ptr<Place>(std::make_unique<SharedPlace>(place_));
  }
  Status begin(const RunRequest&) override { return refuses_begin ? Status(*refuses_begin) : Status(); }
  Result<Template> choose_template(const RunRequest&, bool again) override {
    templates_built_again += again;
    return made_from;
  }

 private:
  FakePlace& place_;
};

}  // namespace osiris::sdk
