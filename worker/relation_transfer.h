// Relations that cross the channel: a step's output as Parquet, in blobs, to and from another worker
// (docs/worker-protocol.md, "Relations"). Bytes go through a file each way, so that a relation larger than memory
// passes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "protocol/base/clock.h"
#include "protocol/rpc/messages.h"
#include "worker/executor/executor.h"
#include "worker/records/record_stream.h"

namespace osiris::worker {

// Its functions are called on the thread that reads requests and never wait for the engine.
class RelationTransfer {
 public:
  // `background` runs work on another thread, which ends before what is named here does.
  RelationTransfer(Executor& executor, RecordStream& stream, const Clock& clock,
                   std::function<void(std::function<void()>)> background);
  ~RelationTransfer();
  RelationTransfer(const RelationTransfer&) = delete;
  RelationTransfer& operator=(const RelationTransfer&) = delete;

  // put_relation: its blobs follow.
  void put(const rpc::Request& request);
  // False when no relation is on its way in.
  bool take_blob(const std::string& bytes);
  // Another message came: what is on its way in ended early.
  void end_of_blobs();
  // get_relation.
  void get(const rpc::Request& request);

 private:
  struct Incoming;
  void store(std::unique_ptr<Incoming> incoming);
  void send(const std::string& id, const Relation& relation);
  void answer(const std::string& id, RequestResult outcome);

  Executor& executor_;
  RecordStream& stream_;
  const Clock& clock_;
  const std::function<void(std::function<void()>)> background_;
  std::unique_ptr<Incoming> incoming_;
};

}  // namespace osiris::worker
