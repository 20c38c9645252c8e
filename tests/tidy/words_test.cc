// Words that product code and documents do not use, each with what to write instead: a sentence names its actor, and
// one thing has one name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

struct Word {
  std::string_view word;  // lower case, letters at both ends
  std::string_view instead;
};

constexpr Word kWords[] = {
    {"nobody", "no process, no user, nothing: say which"},
    {"no one", "no process, no user, nothing: say which"},
    {"whoever", "the caller, the user, the thread that ..."},
    {"somebody", "another user, another process, the caller"},
    {"someone", "another user, another process, the caller"},
    {"anybody", "any user, any process, the adapter"},
    {"anyone", "any user, any process, the adapter"},
    {"on purpose", "deliberately, with the reason"},
    {"foreign", "of another user, of Python Osiris, unknown: say which"},
    {"lies", "is"},
    {"far away", "remote"},
    {"far side", "the service, the remote machine, the worker: say which"},
    {"far place", "the remote machine"},
    {"far resource", "remote resource"},
    {"far resources", "remote resources"},
    {"predecessor", "Python Osiris"},
    {"remedy", "hint"},
};

// Where one of them is another thing's own word.
const std::map<std::string, std::string_view> kExceptions = {
    {"servers/e2b/layer.cc", "nobody"},  // the account of that name in /etc/passwd
};

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

struct Use {
  size_t line;
  Word word;
};

std::vector<Use> uses_in(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  std::vector<Use> uses;
  for (const Word& word : kWords) {
    for (size_t at = text.find(word.word); at != std::string::npos; at = text.find(word.word, at + 1)) {
      const size_t end = at + word.word.size();
      if ((at > 0 && is_letter(text[at - 1])) || (end < text.size() && is_letter(text[end]))) continue;
      uses.push_back(
          {1 + static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n')), word});
    }
  }
  return uses;
}

bool is_spoken_for_users(const std::string& path) {
  static const std::string kEndings[] = {".h", ".hpp", ".c", ".cc", ".md", ".toml", ".in", ".yaml", ".cmake"};
  if (path.starts_with("tests/") || path.starts_with("scripts/mutants/")) return false;
  return std::count(std::begin(kEndings), std::end(kEndings), std::filesystem::path(path).extension().string()) > 0;
}

TEST(Words, OfCodeAndDocumentsNameTheActorAndTheThing) {
  size_t files = 0;
  for (const SourceFile& file : all_files()) {
    if (!is_spoken_for_users(file.path)) continue;
    ++files;
    const auto exception = kExceptions.find(file.path);
    for (const Use& use : uses_in(file.text)) {
      if (exception != kExceptions.end() && exception->second == use.word.word) continue;
      ADD_FAILURE() << file.path << ":" << use.line << ": \"" << use.word.word << "\"; instead: " << use.word.instead;
    }
  }
  EXPECT_GT(files, 500u) << "the tree was not found";
}

TEST(Words, AreFoundWholeAndInAnyCase) {
  const auto uses = uses_in("// fine\n// Nobody waits,\n// and it lies far away\n");
  ASSERT_EQ(uses.size(), 3u);
  EXPECT_EQ(uses[0].line, 2u);
  EXPECT_EQ(uses[0].word.word, "nobody");
  EXPECT_EQ(uses[2].line, 3u);
  EXPECT_TRUE(uses_in("int supplies; // underlies, nobody_here\n").empty());
}

}  // namespace
}  // namespace osiris::tidy
