#include "worker/drivers/filesystem.csv_extractor/record_fields.h"

#include <emmintrin.h>

#include <bit>

namespace osiris::worker::csv {
namespace {

constexpr int kWordBytes = 64, kLaneBytes = 16;

}  // namespace

// Line ends, delimiters and quotes. SSE2 is part of every amd64.
uint64_t RecordFields::stops(const char* at) const {
  const __m128i delimiter = _mm_set1_epi8(delimiter_), quote = _mm_set1_epi8('"'), line = _mm_set1_epi8('\n'),
                carriage = _mm_set1_epi8('\r');
  uint64_t found = 0;
  for (int lane = 0; lane < kWordBytes / kLaneBytes; ++lane) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + lane * kLaneBytes));
    const __m128i any = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_cmpeq_epi8(bytes, quote)),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, line), _mm_cmpeq_epi8(bytes, carriage)));
    found |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(any))) << (lane * kLaneBytes);
  }
  return found;
}

void RecordFields::begin(std::string_view block) {
  at_ = word_ = block.data();
  end_ = at_ + block.size();
  mask_ = block.empty() ? 0 : stops(word_);
}

// False at the end of the block. A line of blanks is none, unless a blank is the delimiter.
bool RecordFields::skip_blank_lines() {
  for (;;) {
    const char* c = at_;
    while (c != end_ && (*c == ' ' || *c == '\t') && *c != delimiter_) ++c;
    if (c == end_) {
      at_ = end_;
      return false;
    }
    if (*c != '\n' && *c != '\r') return true;
    at_ = c + 1;
  }
}

RecordFields::Next RecordFields::next() {
  if (!skip_blank_lines()) return Next::kEnd;
  is_rewritten_ = false;
  return quick();
}

// Ends with a quote at the start of a field, or a lone CR: then the record is read again with care.
RecordFields::Next RecordFields::quick() {
  // Bits of what was skipped, or read byte by byte.
  if (at_ - word_ >= kWordBytes) {
    word_ = at_;
    mask_ = stops(word_);
  } else {
    mask_ &= ~uint64_t{0} << (at_ - word_);
  }
  const char* begin = at_;
  size_t field = 0;
  for (;;) {
    while (mask_ == 0) {
      word_ += kWordBytes;
      if (word_ >= end_) break;
      mask_ = stops(word_);
    }
    const char* stop = mask_ == 0 ? end_ : word_ + std::countr_zero(mask_);
    if (stop > end_) stop = end_;
    const char c = stop == end_ ? '\n' : *stop;
    if (c == '"') {
      if (stop == begin) return careful();
      mask_ &= mask_ - 1;
      continue;
    }
    if (c == '\r' && (stop + 1 == end_ || stop[1] != '\n')) return careful();
    if (field == ends_.size()) return Next::kMisfit;
    begins_[field] = begin;
    ends_[field++] = stop;
    if (c == delimiter_) {
      mask_ &= mask_ - 1;
      begin = stop + 1;
      continue;
    }
    at_ = stop == end_ ? end_ : stop + (c == '\r' ? 2 : 1);
    return field == ends_.size() ? Next::kRecord : Next::kMisfit;
  }
}

// The record at at_, by the rules of the tokenizer.
RecordFields::Next RecordFields::careful() {
  text_.clear();
  is_rewritten_ = true;
  std::vector<size_t> ends;
  const char* c = at_;
  for (bool more = true; more;) {
    if (c != end_ && *c == '"') {
      for (++c; c != end_; ++c) {
        if (*c == '"' && (++c == end_ || *c != '"')) break;
        text_ += *c;
      }
    }
    while (c != end_ && *c != delimiter_ && *c != '\n' && *c != '\r') text_ += *c++;
    ends.push_back(text_.size());
    more = c != end_ && *c == delimiter_;
    if (more) ++c;
  }
  if (c != end_) c += *c == '\r' && c + 1 != end_ && c[1] == '\n' ? 2 : 1;
  at_ = c;
  if (ends.size() != ends_.size()) return Next::kMisfit;
  for (size_t i = 0; i < ends.size(); ++i) {
    begins_[i] = text_.data() + (i == 0 ? 0 : ends[i - 1]);
    ends_[i] = text_.data() + ends[i];
  }
  return Next::kRecord;
}

}  // namespace osiris::worker::csv
