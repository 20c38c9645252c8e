// osiris/sdk/worker_run.hpp: one run of the worker, from validate to collect. The adapter brings the channel; here is
// what is the same for all: one opening message, the only one with secrets; records taken in order and asked for again
// when they are lost; silence told from death; cancel, deadline and grace; the documents "prepared", "result" and
// "artifacts"; for workers elsewhere the run package, the worker itself, and the outputs brought back and verified.
//
//     class Mine : public plugin::Adapter {
//       void configure(settings) { plugin::apply(kRows, settings, config_); run_.configure(config_, kOptions,
//       settings); } void validate(request)   { run_.validate(request, Files::kHere); } std::string prepare(request) {
//       return run_.prepare(request, Files::kHere); } RunResult execute(request) { ProcessChannel channel(...); return
//       run_.run_here(request, channel); } std::string collect(request) { return run_.collect(request); } void cancel()
//       noexcept   { run_.cancel(); } WorkerRun run_{host()};
//     };
#pragma once

#include <osiris/ext/early.h>
#include <osiris/adapter.hpp>
#include <osiris/sdk/channel.hpp>
#include <osiris/sdk/files.hpp>
#include <osiris/sdk/options.hpp>
#include <osiris/sdk/process.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris::adapter_sdk {

// Where the pipeline's files are for the worker.
enum class Files {
  kHere,    // on this machine: read and written in place
  kTravel,  // packed, sent, and brought back
};

// A worker on another machine.
struct Elsewhere {
  std::string name;                   // for messages: "on build@far.example"
  std::string home;                   // of the user there
  std::string root;                   // all that osiris puts there, absolute, of letters, digits and "/._-"
  std::string run_directory;          // of this run alone, below root; the adapter makes it before and removes it after
  bool has_worker = false;            // worker_place() is there
  Milliseconds stall_limit{120'000};  // how long nothing may be heard before the run fails
  FileChannel& files;
  // Starts `/bin/sh -c script` there: it puts the worker in its place and becomes it. Its last word is the worker, so
  // that arguments can be added (--hold, for a stream that may break).
  std::function<std::unique_ptr<ByteChannel>(const std::string& script)> start;
  // Whether a worker that was told to end after its run is waited for, which takes a round trip. False where the
  // adapter ends what is left of it when it removes run_directory, and sees that it is gone; what the channel was sent
  // last must reach the worker though the channel is gone.
  bool awaits_worker = true;
};

// All functions throw plugin::Failure, and are called as those of plugin::Adapter are.
class WorkerRun {
 public:
  explicit WorkerRun(plugin::Host host);
  ~WorkerRun();

  // `options`: all of the adapter's, of which the sensitive ones are kept out of documents.
  template <size_t N>
  void configure(const WorkerOptions& worker, const std::array<osiris_option, N>& options,
                 const std::vector<plugin::Setting>& settings) {
    configure(worker, options.data(), N, settings);
  }
  void configure(const WorkerOptions& worker, const osiris_option* options, size_t count,
                 const std::vector<plugin::Setting>& settings);

  // [any thread]
  void cancel() noexcept;
  bool is_cancelled() const noexcept;
  const Waker& waker() const noexcept;

  // That the worker and the documents can be used. Changes nothing.
  void validate(const plugin::Request& request, Files files) const;
  std::string prepare(const plugin::Request& request, Files files) const;

  // The worker on this machine, with its defaults filled in.
  Program local_worker(const plugin::Request& request) const;
  // The same for a run that is still to come (osiris/ext/early.h), which it can be taken for.
  static Program early_worker(const osiris_early_run& run);
  // Runs all steps; returns with the worker gone.
  plugin::RunResult run_here(const plugin::Request& request, ByteChannel& channel);

  // The worker's file on a machine elsewhere. It may stay for the next run: its name holds its hash.
  static std::string worker_place(const std::string& root, const plugin::Request& request);
  plugin::RunResult run_elsewhere(const plugin::Request& request, const Elsewhere& where);
  // Of collect, after a run elsewhere: brings back what it wrote, verifies every file and puts it in its place. Nothing
  // was written: nothing happens.
  void fetch(const plugin::Request& request, FileChannel& files);

  // The document "artifacts". `released_json`: entries of what the adapter gave back.
  std::string collect(const plugin::Request& request, std::string_view released_json = "[]") const;

  // How the worker of the last run ended; nothing: it is not known to have ended.
  std::optional<Exit> worker_exit() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace osiris::adapter_sdk
