// A real osiris-worker, as an adapter would start it, for tests that talk to it over its two streams.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/base/subprocess.h"
#include "protocol/rpc/frames.h"

namespace osiris::worker::test {

std::filesystem::path worker_binary();

class WorkerProcess {
 public:
  explicit WorkerProcess(std::vector<std::string> command = {worker_binary().string()});

  void send_bytes(std::string_view bytes);
  void send(const Json& message) { send_bytes(message.dump() + "\n"); }
  void request(const std::string& id, const std::string& method, Json params = Json::object());
  void close_stdin() { process_.close_stdin(); }

  // The next record; null at the end of the stream. Fails the test after a minute of silence. Heartbeats are kept
  // aside.
  Json next();
  // Reads until a record fits.
  Json until(const std::function<bool(const Json&)>& fits);
  Json response(const std::string& id);
  Json event(const std::string& name);
  // The data of the next heartbeat that fits.
  Json heartbeat(const std::function<bool(const Json& data)>& fits);
  // Blobs that came with the last response read, joined.
  std::string blobs(size_t bytes);

  // Waits for the end; everything still on stdout is read into records().
  ExitStatus wait();
  pid_t pid() const { return process_.pid(); }
  void signal(int number) { ::kill(process_.pid(), number); }

  // Everything read so far.
  const std::vector<Json>& records() const { return records_; }
  const std::vector<Json>& heartbeats() const { return heartbeats_; }
  const std::vector<std::string>& garbage() const { return garbage_; }
  const std::string& raw_output() const { return raw_; }
  // All of stderr so far.
  const std::string& log();

 private:
  // Waits for bytes of either stream; false at the end of stdout.
  bool read_more();

  Subprocess process_;
  rpc::FrameParser parser_;
  std::string raw_, log_, blob_bytes_;
  std::vector<Json> records_, heartbeats_;
  std::vector<std::string> garbage_;
};

// A session directory and a worker that was told to prepare in it.
class Session {
 public:
  Session();
  ~Session();

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path session_dir() const { return directory_ / "session"; }
  // prepare's params: this session, mock allowed, heartbeats every 20 ms, and what the test adds.
  Json prepare_params(Json::Array steps) const;

 private:
  std::filesystem::path directory_;
};

// A step of `mock`.
Json mock_step(const std::string& id, std::string_view cfg = "{}", std::vector<std::string> needs = {});
Json sql_step(const std::string& id, const std::string& query, std::vector<std::string> needs = {});

}  // namespace osiris::worker::test
