// Makes the CSV that the 10-million-row test and benchmark read: the same arguments give the same bytes on any machine.
//
//   gen_csv FILE [ROWS=10000000] [GROUPS=1000000] [SEED=1]
//
// Columns: order_id (running number), customer (the group key, GROUPS different ones, each at least once when ROWS >=
// GROUPS), quantity (integer, one in 16 blank), amount (two decimals), ordered_at (timestamp as text), note (text, one
// in 64 quoted with a comma inside). About 59 bytes a row. On stdout: one JSON line with what a reader must find again.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

// SplitMix64: tiny, and its numbers are fixed by its definition, unlike those of <random>'s distributions.
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
};

struct Line {
  char text[160];
  char* end = text;
  void add(std::string_view piece) {
    std::memcpy(end, piece.data(), piece.size());
    end += piece.size();
  }
  void add(uint64_t number) { end = std::to_chars(end, text + sizeof text, number).ptr; }
  void add_padded(uint64_t number, int width) {
    for (int i = width - 1; i >= 0; --i, number /= 10) end[i] = static_cast<char>('0' + number % 10);
    end += width;
  }
};

constexpr std::string_view kNotes[] = {"standard",
                                       "express",
                                       "pick-up at harbor",
                                       "fragile",
                                       "NA",
                                       "gift",
                                       "\xc5\x98"
                                       "eka barge",
                                       "pallet exchange"};

uint64_t number_argument(int argc, char** argv, int index, uint64_t fallback) {
  return argc > index ? std::strtoull(argv[index], nullptr, 10) : fallback;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: gen_csv FILE [ROWS=10000000] [GROUPS=1000000] [SEED=1]\n");
    return 2;
  }
  const uint64_t rows = number_argument(argc, argv, 2, 10000000);
  const uint64_t groups = number_argument(argc, argv, 3, 1000000);
  Random random{number_argument(argc, argv, 4, 1)};
  std::FILE* file = std::fopen(argv[1], "wb");
  if (!file || groups == 0) {
    std::fprintf(stderr, "gen_csv: cannot write %s\n", argv[1]);
    return 1;
  }
  std::setvbuf(file, nullptr, _IOFBF, 1 << 20);
  std::fputs("order_id,customer,quantity,amount,ordered_at,note\n", file);

  uint64_t quantity_sum = 0, quantity_nulls = 0, amount_cents_sum = 0, note_nulls = 0, bytes = 50;
  for (uint64_t row = 0; row < rows; ++row) {
    Line line;
    line.add(row + 1);
    line.add(",C");
    line.add_padded(row < groups ? row : random.below(groups), 7);
    line.add(",");
    const uint64_t bits = random.next();
    if (bits % 16 != 0) {
      const uint64_t quantity = (bits >> 8) % 500;
      quantity_sum += quantity;
      line.add(quantity);
    } else {
      ++quantity_nulls;
    }
    line.add(",");
    const uint64_t cents = (bits >> 20) % 10000000;
    amount_cents_sum += cents;
    line.add(cents / 100);
    line.add(".");
    line.add_padded(cents % 100, 2);
    const uint64_t second = random.below(86400);
    line.add(",2025-");
    line.add_padded(1 + row % 12, 2);
    line.add("-");
    line.add_padded(1 + row % 28, 2);
    line.add(" ");
    line.add_padded(second / 3600, 2);
    line.add(":");
    line.add_padded(second / 60 % 60, 2);
    line.add(":");
    line.add_padded(second % 60, 2);
    line.add(",");
    const std::string_view note = kNotes[(bits >> 48) % 8];
    note_nulls += note == "NA";
    if ((bits >> 56) % 64 == 0) {
      line.add("\"left, then ");
      line.add(note);
      note_nulls -= note == "NA";
      line.add("\"");
    } else {
      line.add(note);
    }
    line.add("\n");
    const size_t length = static_cast<size_t>(line.end - line.text);
    bytes += length;
    std::fwrite(line.text, 1, length, file);
  }
  if (std::fclose(file) != 0) {
    std::fprintf(stderr, "gen_csv: cannot write %s\n", argv[1]);
    return 1;
  }
  std::printf(
      "{\"rows\":%llu,\"bytes\":%llu,\"quantity_sum\":%llu,\"quantity_nulls\":%llu,\"amount_cents_sum\":%llu,\"note_"
      "nulls\":%llu}\n",
      static_cast<unsigned long long>(rows), static_cast<unsigned long long>(bytes),
      static_cast<unsigned long long>(quantity_sum), static_cast<unsigned long long>(quantity_nulls),
      static_cast<unsigned long long>(amount_cents_sum), static_cast<unsigned long long>(note_nulls));
  return 0;
}
