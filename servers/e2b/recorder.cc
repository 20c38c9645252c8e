#include "servers/e2b/recorder.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kKeptMax = 100'000;

}  // namespace

Status Recorder::open(const std::filesystem::path& path) {
  OSIRIS_ASSIGN(LineFile file, LineFile::open(path));
  std::lock_guard lock(mutex_);
  file_ = std::move(file);
  return {};
}

int64_t Recorder::arrive(Json head) {
  std::lock_guard lock(mutex_);
  head.set("arrived", next_arrival_);
  head.set("open", true);
  open_.emplace(next_arrival_, std::move(head));
  return next_arrival_++;
}

void Recorder::end(int64_t arrived, Json record) {
  std::lock_guard lock(mutex_);
  Json numbered =
      Json::object({{"n", next_++}, {"arrived", arrived}, {"request_id", "req-" + std::to_string(arrived)}});
  for (auto& [key, value] : record.members()) numbered.set(key, std::move(value));
  // A full disk loses the file, not the request.
  if (file_) [[maybe_unused]]
    const Status written = file_->append(numbered.dump());
  if (open_.erase(arrived) == 0) return;  // cleared while it was open
  records_.push_back(std::move(numbered));
  if (records_.size() > kKeptMax) records_.pop_front();
}

Json Recorder::since(int64_t since) const {
  std::lock_guard lock(mutex_);
  Json out = Json::array();
  for (const Json& record : records_)
    if (record["n"].as_int() > since) out.push_back(record);
  return out;
}

Json Recorder::by_arrival() const {
  std::lock_guard lock(mutex_);
  std::map<int64_t, Json> sorted = open_;
  for (const Json& record : records_) sorted.emplace(record["arrived"].as_int(), record);
  Json out = Json::array();
  for (auto& [arrived, record] : sorted) out.push_back(std::move(record));
  return out;
}

void Recorder::clear() {
  std::lock_guard lock(mutex_);
  open_.clear();
  records_.clear();
}

}  // namespace osiris::e2b_server
