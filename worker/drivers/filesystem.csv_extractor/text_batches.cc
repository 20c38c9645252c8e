#include "worker/drivers/filesystem.csv_extractor/text_batches.h"

#include <new>

namespace osiris::worker::csv {
namespace {

// Whatever it is, the file is then read by a reader that says it in its own words.
template <class Call>
auto caught(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const duckdb::InterruptException&) {
    return step_cancelled();
  } catch (const std::exception& failure) {
    return Error(Code::kUnavailable, duckdb::ErrorData(failure).Message());
  }
}

}  // namespace

class TextBatches::Lent : public ChunkBatches::Batch {
 public:
  Lent(TextBatches& owner, std::unique_ptr<ScanRows> rows) : owner_(owner), rows_(std::move(rows)) {
    duckdb::vector<duckdb::LogicalType> types;
    for (const ScanColumn& column : owner.state_.plan().columns) types.push_back(engine_type(column));
    chunk_.Initialize(owner.context_, types);
  }
  ~Lent() override { owner_.give_back(std::move(rows_), is_read_); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  Result<duckdb_data_chunk> next_chunk() override {
    return caught([this]() -> Result<duckdb_data_chunk> {
      if (!std::exchange(is_begun_, true)) rows_->begin_block();
      chunk_.Reset();
      is_read_ = !rows_->read(chunk_);
      return is_read_ ? nullptr : reinterpret_cast<duckdb_data_chunk>(&chunk_);
    });
  }
  uint64_t bytes() const override { return rows_->block().size; }

 private:
  TextBatches& owner_;
  std::unique_ptr<ScanRows> rows_;
  duckdb::DataChunk chunk_;
  bool is_begun_ = false, is_read_ = false;
};

TextBatches::TextBatches(ScanState& state, duckdb::ClientContext& context, const std::vector<size_t>& places)
    : state_(state), context_(context), text_(context, state.plan()) {
  std::vector<TextRead> wanted;
  for (const size_t place : places) wanted.push_back({place, place});
  reads_ = reads_of(state, std::move(wanted));
}

Result<std::unique_ptr<TextBatches>> TextBatches::open(ScanState& state, duckdb_connection connection,
                                                       const std::vector<size_t>& places) {
  return caught([&]() -> Result<std::unique_ptr<TextBatches>> {
    auto& context = *reinterpret_cast<duckdb::Connection*>(connection)->context;
    return std::unique_ptr<TextBatches>(new TextBatches(state, context, places));
  });
}

Result<std::unique_ptr<ChunkBatches::Batch>> TextBatches::take() {
  std::unique_ptr<ScanRows> rows;
  {
    const std::lock_guard lock(mutex_);
    if (!used_.empty()) {
      rows = std::move(used_.back());
      used_.pop_back();
    }
  }
  return caught([&]() -> Result<std::unique_ptr<ChunkBatches::Batch>> {
    if (!rows) rows = std::make_unique<ScanRows>(state_, context_, text_, reads_);
    const auto more = text_.next(rows->block());
    if (!more.ok()) return more.error();
    if (*more) return std::unique_ptr<ChunkBatches::Batch>(std::make_unique<Lent>(*this, std::move(rows)));
    give_back(std::move(rows), true);
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    return std::unique_ptr<ChunkBatches::Batch>();
  });
}

void TextBatches::give_back(std::unique_ptr<ScanRows> rows, bool is_read) {
  const std::lock_guard lock(mutex_);
  is_cut_ |= !is_read;
  used_.push_back(std::move(rows));
}

void TextBatches::end() {
  const std::lock_guard lock(mutex_);
  for (const auto& rows : used_) rows->thread().end(is_ended_ && !is_cut_);
}

}  // namespace osiris::worker::csv
