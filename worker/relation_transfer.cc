#include "worker/relation_transfer.h"

#include <fstream>
#include <system_error>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/model/step_naming.h"

namespace osiris::worker {
namespace {

rpc::Response response(const std::string& id, RequestResult outcome) {
  rpc::Response record;
  record.id = id;
  record.outcome = std::move(outcome);
  return record;
}

}  // namespace

struct RelationTransfer::Incoming {
  std::string request_id;
  std::string step_id;
  uint64_t missing_bytes = 0;
  std::filesystem::path path;
  std::ofstream file;
};

RelationTransfer::RelationTransfer(Executor& executor, RecordStream& stream, const Clock& clock,
                                   std::function<void(std::function<void()>)> background)
    : executor_(executor), stream_(stream), clock_(clock), background_(std::move(background)) {}

RelationTransfer::~RelationTransfer() = default;

void RelationTransfer::answer(const std::string& id, RequestResult outcome) {
  stream_.emit(response(id, std::move(outcome)));
}

void RelationTransfer::put(const rpc::Request& request) {
  auto incoming = std::make_unique<Incoming>();
  incoming->request_id = request.id;
  incoming->step_id = request.params["step_id"].as_string();
  incoming->missing_bytes = request.params["bytes"].as_uint();
  if (incoming->step_id.empty() || incoming->missing_bytes == 0)
    return answer(request.id, Error(Code::kInvalidArgument, "put_relation needs step_id and bytes"));
  incoming->path = executor_.run().worker_dir() / ("in-" + std::to_string(clock_.monotonic_ns()) + ".parquet");
  incoming->file.open(incoming->path, std::ios::binary);
  incoming_ = std::move(incoming);
}

bool RelationTransfer::take_blob(const std::string& bytes) {
  if (!incoming_) return false;
  if (bytes.size() > incoming_->missing_bytes) {
    answer(incoming_->request_id, Error(Code::kInvalidArgument, "the relation is longer than was announced"));
    incoming_.reset();
    return true;
  }
  incoming_->file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  incoming_->missing_bytes -= bytes.size();
  if (incoming_->missing_bytes == 0) store(std::move(incoming_));
  return true;
}

void RelationTransfer::end_of_blobs() {
  if (!incoming_) return;
  answer(
      incoming_->request_id,
      Error(Code::kInvalidArgument, "the relation ended " + std::to_string(incoming_->missing_bytes) + " bytes early"));
  incoming_.reset();
}

void RelationTransfer::store(std::unique_ptr<Incoming> incoming) {
  incoming->file.close();
  if (!incoming->file)
    return answer(incoming->request_id,
                  Error(Code::kExhausted, "cannot keep the relation that was sent: " + incoming->path.string(),
                        "Free some space.", category::kWriteDiskFull));
  background_([this, id = incoming->request_id, step_id = incoming->step_id, path = incoming->path] {
    auto relation = executor_.run().database->import_parquet(path, relation_name(step_id));
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    if (!relation.ok()) return answer(id, relation.error());
    const uint64_t rows = (*relation)->rows();
    const Status stored = executor_.put_relation(step_id, *std::move(relation));
    if (!stored.ok()) return answer(id, stored.error());
    answer(id, Json::object({{"status", "success"}, {"rows", rows}}));
  });
}

void RelationTransfer::get(const rpc::Request& request) {
  executor_.get_relation(request.params["step_id"].as_string(),
                         [this, id = request.id](Result<std::shared_ptr<const Relation>> found) {
                           if (!found.ok()) return stream_.send(response(id, found.error()));
                           // Not on the thread that calls: other steps may wait for it.
                           background_([this, id, relation = *std::move(found)] { send(id, *relation); });
                         });
}

void RelationTransfer::send(const std::string& id, const Relation& relation) {
  const Run& run = executor_.run();
  const auto path = run.worker_dir() / ("out-" + std::to_string(clock_.monotonic_ns()) + ".parquet");
  const Status written = run.database->export_parquet(relation, path);
  if (!written.ok()) return stream_.send(response(id, written.error()));
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(path, error);
  stream_.send_with_blobs(
      response(id, Json::object({{"status", "success"}, {"rows", relation.rows()}, {"bytes", bytes}})), path);
}

}  // namespace osiris::worker
