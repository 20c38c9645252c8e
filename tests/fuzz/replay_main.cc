// Stands in for libFuzzer in `make test`: runs a fuzz target over its whole corpus and over mutations of it. The seed
// is fixed, so that a failure is the same on every machine; another one may be given as OSIRIS_FUZZ_SEED, more rounds
// as OSIRIS_FUZZ_ROUNDS.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kBytesMax = 64 << 10;

unsigned long from_environment(const char* name, unsigned long fallback) {
  const char* text = std::getenv(name);
  return text ? std::strtoul(text, nullptr, 10) : fallback;
}

const std::string* running = nullptr;

// Shows the input that broke the target, ready for a corpus: printf '...' >tests/fuzz/corpus/<name>/<what it is>.
void show_input(int) {
  std::fputs("aborted on this input:\n", stderr);
  for (const char c : *running) {
    const bool plain = c >= ' ' && c <= '~' && c != '\\' && c != '%' && c != '\'';
    std::fprintf(stderr, plain ? "%c" : "\\%03o", static_cast<unsigned char>(c));
  }
  std::fputs("\n", stderr);
}

void run(const std::string& bytes) {
  running = &bytes;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// A few of what libFuzzer does: flip, insert, erase, repeat, splice with another input.
std::string mutate(std::string bytes, const std::vector<std::string>& corpus, std::mt19937& random) {
  const auto below = [&](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (size_t changes = 1 + below(6); changes > 0; --changes) {
    const size_t at = below(bytes.size() + 1);
    switch (below(6)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.insert(at, 1, "\n@{}\"\\0\xff"[below(8)]);
        break;
      case 2:
        bytes.erase(at, below(16));
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, below(64)));
        break;
      case 4:
        bytes = bytes.substr(0, at) + corpus[below(corpus.size())];
        break;
      case 5:
        bytes.insert(at, std::to_string(random()));
        break;
    }
    bytes.resize(std::min(bytes.size(), kBytesMax));
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, show_input);
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus = {""};
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  if (corpus.size() < 2) {
    std::fprintf(stderr, "no corpus was found\n");
    return 1;
  }
  const unsigned long seed = from_environment("OSIRIS_FUZZ_SEED", 1);
  const unsigned long rounds = from_environment("OSIRIS_FUZZ_ROUNDS", 20'000);
  std::printf("%zu inputs, %lu mutations, seed %lu\n", corpus.size(), rounds, seed);
  std::fflush(stdout);
  for (const std::string& input : corpus) run(input);
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  for (unsigned long round = 0; round < rounds; ++round) run(mutate(corpus[random() % corpus.size()], corpus, random));
  return 0;
}
