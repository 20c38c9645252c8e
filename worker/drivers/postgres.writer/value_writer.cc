#include "worker/drivers/postgres.writer/value_writer.h"

#include <cmath>
#include <cstring>

#include "worker/drivers/postgres.writer/numeric_bytes.h"
#include "worker/drivers/postgres.writer/xml_form.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

// A vector of a chunk, or the items of its lists.
struct Source {
  void* data;
  const uint64_t* validity;
  bool is_null(size_t at) const { return validity && !(validity[at / 64] >> (at % 64) & 1); }
  template <class Value>
  const Value& at(size_t index) const {
    return static_cast<const Value*>(data)[index];
  }
};

Source source_of(duckdb_vector vector) { return {duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)}; }

std::string_view text_at(const Source& source, size_t at) {
  const auto& text = source.at<duckdb_string_t>(at).value;
  return {text.inlined.length <= 12 ? text.inlined.inlined : text.pointer.ptr, text.inlined.length};
}

// Any integer or the digits of a decimal.
Int128 integer_at(const Source& source, duckdb_type type, uint8_t width, size_t at) {
  switch (type) {
    case DUCKDB_TYPE_TINYINT:
      return source.at<int8_t>(at);
    case DUCKDB_TYPE_UTINYINT:
      return source.at<uint8_t>(at);
    case DUCKDB_TYPE_SMALLINT:
      return source.at<int16_t>(at);
    case DUCKDB_TYPE_USMALLINT:
      return source.at<uint16_t>(at);
    case DUCKDB_TYPE_INTEGER:
      return source.at<int32_t>(at);
    case DUCKDB_TYPE_UINTEGER:
      return source.at<uint32_t>(at);
    case DUCKDB_TYPE_BIGINT:
      return source.at<int64_t>(at);
    case DUCKDB_TYPE_UBIGINT:
      return source.at<uint64_t>(at);
    case DUCKDB_TYPE_DECIMAL:
      if (width <= 4) return source.at<int16_t>(at);
      if (width <= 9) return source.at<int32_t>(at);
      if (width <= 18) return source.at<int64_t>(at);
      break;
    default:
      break;
  }
  const auto& wide = source.at<duckdb_hugeint>(at);
  return static_cast<Int128>((static_cast<Uint128>(static_cast<uint64_t>(wide.upper)) << 64) | wide.lower);
}

size_t characters_in(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

bool has_less_than(const duckdb_interval& span, SpanUnit unit) {
  switch (unit) {
    case SpanUnit::kSecond:
      return false;
    case SpanUnit::kMinute:
      return span.micros % 60'000'000 != 0;
    case SpanUnit::kHour:
      return span.micros % 3'600'000'000 != 0;
    case SpanUnit::kDay:
      return span.micros != 0;
    case SpanUnit::kMonth:
      return span.micros != 0 || span.days != 0;
    case SpanUnit::kYear:
      return span.micros != 0 || span.days != 0 || span.months % 12 != 0;
  }
  return false;
}

class Writer {
 public:
  Writer(const ColumnPlan& plan, ByteBuffer& bytes) : plan_(plan), bytes_(bytes) {}

  // Empty, or why the value is refused.
  std::string write(const Source& source, const ColumnType& type, size_t at) {
    switch (plan_.form) {
      case Form::kBool:
        put(bytes_, int32_t{1});
        bytes_.push_back(source.at<bool>(at) ? '\1' : '\0');
        return {};
      case Form::kInt16:
        return put_integer<int16_t>(source, type, at);
      case Form::kInt32:
        return put_integer<int32_t>(source, type, at);
      case Form::kInt64:
        return put_integer<int64_t>(source, type, at);
      case Form::kFloat:
      case Form::kDouble:
        return put_float(source, type, at);
      case Form::kNumeric:
        return put_number(source, type, at);
      case Form::kNumericText:
        return put_number_text(text_at(source, at));
      case Form::kText:
      case Form::kJsonb:
      case Form::kBytes:
        return put_text(text_at(source, at));
      case Form::kUuid: {
        const auto& uuid = source.at<duckdb_hugeint>(at);
        put(bytes_, int32_t{16});
        put(bytes_, static_cast<uint64_t>(uuid.upper) ^ (uint64_t{1} << 63));
        put(bytes_, uuid.lower);
        return {};
      }
      case Form::kBits:
        return put_bits(text_at(source, at));
      default:
        return put_time(source, at);
    }
  }

 private:
  template <class Number>
  std::string put_integer(const Source& source, const ColumnType& type, size_t at) {
    const Int128 value = integer_at(source, type.id, 0, at);
    const bool is_beyond = type.id == DUCKDB_TYPE_UHUGEINT && value < 0;
    if (is_beyond || value < std::numeric_limits<Number>::min() || value > std::numeric_limits<Number>::max())
      return "the number is beyond " + plan_.type_name;
    put_sized(bytes_, static_cast<Number>(value));
    return {};
  }

  std::string put_float(const Source& source, const ColumnType& type, size_t at) {
    const double value =
        type.id == DUCKDB_TYPE_FLOAT ? static_cast<double>(source.at<float>(at)) : source.at<double>(at);
    if (plan_.form == Form::kDouble) {
      put_sized(bytes_, std::bit_cast<uint64_t>(value));
      return {};
    }
    const auto narrow = type.id == DUCKDB_TYPE_FLOAT ? source.at<float>(at) : static_cast<float>(value);
    if (!std::isnan(value) && static_cast<double>(narrow) != value)
      return "the number is not exact as " + plan_.type_name;
    put_sized(bytes_, std::bit_cast<uint32_t>(narrow));
    return {};
  }

  std::string put_digits(const Digits& digits) {
    if (plan_.scale_max && has_more_digits(digits, *plan_.scale_max))
      return "the number has more digits than " + plan_.type_name;
    put_numeric(bytes_, digits);
    return {};
  }

  std::string put_number(const Source& source, const ColumnType& type, size_t at) {
    const Int128 value = integer_at(source, type.id, type.width, at);
    const bool is_negative = type.id != DUCKDB_TYPE_UHUGEINT && value < 0;
    const Uint128 magnitude = is_negative ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
    const unsigned scale = type.id == DUCKDB_TYPE_DECIMAL ? type.scale : 0;
    const bool fits = !plan_.scale_max || (*plan_.scale_max >= 0 && scale <= static_cast<unsigned>(*plan_.scale_max));
    if (fits && magnitude <= kSmallNumericMax) {
      put_small_numeric(bytes_, static_cast<uint64_t>(magnitude), is_negative, scale);
      return {};
    }
    return put_digits(digits_of(magnitude, is_negative, scale));
  }

  std::string put_number_text(std::string_view text) {
    if (text == "NaN") return put_special_numeric(bytes_, kNumericNan), "";
    if (text == "Infinity") return put_special_numeric(bytes_, 0xD000), "";
    if (text == "-Infinity") return put_special_numeric(bytes_, 0xF000), "";
    const auto digits = read_digits(text);
    return digits ? put_digits(*digits) : "the text is no number";
  }

  std::string put_text(std::string_view text) {
    const bool is_text = plan_.form != Form::kBytes;
    if (is_text && text.find('\0') != std::string_view::npos)
      return "the text holds a NUL character, which PostgreSQL's does not";
    if (plan_.characters_max >= 0 && text.size() > static_cast<size_t>(plan_.characters_max) &&
        characters_in(text) > static_cast<size_t>(plan_.characters_max))
      return "the text is longer than " + plan_.type_name;
    if (plan_.value_type == kXmlOid && is_read_as_another_encoding(text))
      return "its XML declaration names another encoding than the UTF-8 that it is written in";
    if (text.size() > (size_t{1} << 30) - 64) return "the value is larger than 1 GiB, the most that PostgreSQL holds";
    const bool is_jsonb = plan_.form == Form::kJsonb;
    put(bytes_, static_cast<int32_t>(text.size() + (is_jsonb ? 1 : 0)));
    if (is_jsonb) bytes_.push_back('\1');
    bytes_.append(text);
    return {};
  }

  std::string put_bits(std::string_view bits) {
    const unsigned padding = static_cast<unsigned char>(bits[0]);
    bits.remove_prefix(1);
    const auto count = static_cast<uint32_t>(bits.size() * 8 - padding);
    if (plan_.bits != 0 && plan_.bits != count)
      return "it has " + std::to_string(count) + " bits, and the column is " + plan_.type_name;
    put(bytes_, static_cast<int32_t>(4 + bits.size()));
    put(bytes_, count);
    for (size_t i = 0; i < bits.size(); ++i) {
      const unsigned byte = static_cast<unsigned char>(bits[i]);
      const unsigned next = i + 1 < bits.size() ? static_cast<unsigned char>(bits[i + 1]) : 0u;
      bytes_.push_back(static_cast<char>((byte << padding) | (next >> (8 - padding))));
    }
    return {};
  }

  bool is_too_fine(int64_t micros) const {
    int64_t unit = 1;
    for (int digits = plan_.fraction_digits; digits < 6; ++digits) unit *= 10;
    return micros % unit != 0;
  }

  std::string put_time(const Source& source, size_t at) {
    const std::string too_fine = "the time is finer than " + plan_.type_name;
    switch (plan_.form) {
      case Form::kDate: {
        const int32_t days = source.at<int32_t>(at);
        const bool is_infinite = days == INT32_MAX || days == -INT32_MAX;
        // From 4713 BC, PostgreSQL's least, to 5874897.
        if (!is_infinite && (days < -2440588 || days > 2145031948)) return "the date is beyond PostgreSQL's";
        put_sized(bytes_, is_infinite ? (days > 0 ? INT32_MAX : INT32_MIN) : days - kEpochDays);
        return {};
      }
      case Form::kTimestamp: {
        const int64_t micros = source.at<int64_t>(at);
        const bool is_infinite = micros == INT64_MAX || micros == -INT64_MAX;
        if (!is_infinite && micros < -210866803200000000) return "the time is before 4713 BC, PostgreSQL's least";
        if (!is_infinite && is_too_fine(micros)) return too_fine;
        put_sized(bytes_, is_infinite ? (micros > 0 ? INT64_MAX : INT64_MIN) : micros - kEpoch_us);
        return {};
      }
      case Form::kTime: {
        const int64_t micros = source.at<int64_t>(at);
        if (is_too_fine(micros)) return too_fine;
        put_sized(bytes_, micros);
        return {};
      }
      case Form::kTimeTz: {
        const duckdb_time_tz_struct time = duckdb_from_time_tz(source.at<duckdb_time_tz>(at));
        const int64_t micros =
            ((int64_t{time.time.hour} * 60 + time.time.min) * 60 + time.time.sec) * 1'000'000 + time.time.micros;
        if (is_too_fine(micros)) return too_fine;
        put(bytes_, int32_t{12});
        put(bytes_, micros);
        put(bytes_, -time.offset);
        return {};
      }
      default: {
        const auto& span = source.at<duckdb_interval>(at);
        if (is_too_fine(span.micros)) return too_fine;
        if (has_less_than(span, plan_.least_unit)) return "the interval has parts that " + plan_.type_name + " cuts";
        put(bytes_, int32_t{16});
        put(bytes_, span.micros);
        put(bytes_, span.days);
        put(bytes_, span.months);
        return {};
      }
    }
  }

  const ColumnPlan& plan_;
  ByteBuffer& bytes_;
};

// One column of a chunk.
struct Input {
  const ColumnPlan* plan;
  Source values;
  Source items;
};

//   dimensions(4) has NULLs(4) type(4), then length(4) and first index(4), then each item as a value
std::string write_list(const Input& input, ByteBuffer& bytes, size_t at) {
  const auto& entry = input.values.at<duckdb_list_entry>(at);
  const size_t start = bytes.size();
  put(bytes, int32_t{0});  // the length, filled in below
  put(bytes, static_cast<int32_t>(entry.length == 0 ? 0 : 1));
  const size_t has_nulls = bytes.size();
  put(bytes, int32_t{0});
  put(bytes, static_cast<uint32_t>(input.plan->element));
  if (entry.length > 0) {
    put(bytes, static_cast<int32_t>(entry.length));
    put(bytes, int32_t{1});
  }
  Writer writer(*input.plan, bytes);
  for (uint64_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    if (input.items.is_null(i)) {
      bytes.data()[has_nulls + 3] = '\1';
      put(bytes, int32_t{-1});
    } else if (std::string why = writer.write(input.items, input.plan->type.children[0], i); !why.empty()) {
      return why;
    }
  }
  set(bytes.data() + start, static_cast<int32_t>(bytes.size() - start - 4));
  return {};
}

}  // namespace

// What was refused ends the load, so that its sum is of no use.
void RowBatch::add(duckdb_data_chunk chunk) {
  if (unfit_) return;
  const size_t before = bytes_.size();
  add_rows(chunk);
  if (sum_ && !unfit_) (void)sum_->add(bytes_.view().substr(before));
}

void RowBatch::add_rows(duckdb_data_chunk chunk) {
  std::vector<Input> inputs;
  for (size_t i = 0; i < plans_.size(); ++i) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    inputs.push_back({&plans_[i], source_of(vector), {}});
    if (plans_[i].is_list()) inputs.back().items = source_of(duckdb_list_vector_get_child(vector));
  }
  const size_t rows = duckdb_data_chunk_get_size(chunk);
  for (size_t row = 0; row < rows; ++row) {
    put(bytes_, static_cast<int16_t>(inputs.size()));
    for (const Input& input : inputs) {
      if (input.values.is_null(row)) {
        put(bytes_, int32_t{-1});
        continue;
      }
      const std::string why = input.plan->is_list()
                                  ? write_list(input, bytes_, row)
                                  : Writer(*input.plan, bytes_).write(input.values, input.plan->type, row);
      if (why.empty()) continue;
      unfit_ = Unfit{rows_, input.plan->target, why};
      return;
    }
    ++rows_;
  }
}

}  // namespace osiris::worker::postgres
