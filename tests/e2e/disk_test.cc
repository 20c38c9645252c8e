// The commands of every day in a project whose disk is full or cannot be written: those that only read go on, the
// others say what the disk is, end with 3 and damage nothing.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <fstream>
#include <sstream>

#include "tests/e2e/project.h"
#include "tests/support/small_disk.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::vector<std::string> kReading = {"runs list",       "logs list",          "logs last",
                                           "cache show",      "state show",         "why pick",
                                           "validate",        "validate p.yaml",    "graph p.yaml",
                                           "clean --dry-run", "diff shop/1 shop/2", "runs prune --keep 0 --dry-run"};
const std::vector<std::string> kWriting = {"show pick",
                                           "show save --format csv -o shown.csv",
                                           "report",
                                           "report --runs",
                                           "state set old.yaml read 5",
                                           "schema --write",
                                           "init new",
                                           "run p.yaml",
                                           "run p.yaml --resume"};
const std::vector<std::string> kRemoving = {"runs prune --keep 1", "cache clear", "clean"};

class Disk : public testing::Test {
 protected:
  Disk() : disk_(project_.dir() / "small", "4m") {
    project_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "0");
    write("osiris.yaml", "");
    write("in.csv", "id\n1\n");
    const auto pipeline = [](const std::string& name, const std::string& query) {
      return oml(
          name, {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                 "  - {id: pick, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"" +
                     query + "\"}}\n",
                 "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [pick], config: {path: " + name +
                     ".csv}}\n"});
    };
    write("p.yaml", pipeline("shop", "SELECT * FROM df_read"));
    write("old.yaml",
          oml("old",
              {"  - {id: read, component: sqlite.extractor, mode: read, config: {path: a.db, table: t, incremental: "
               "{column: id}}}\n",
               "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: old.csv}}\n"}));
  }
  void write(const std::string& file, const std::string& text) const { project_.write("small/" + file, text); }
  Outcome run(const std::string& line) const {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    return project_.osiris_in("small", words);
  }
  void run_twice() const {
    for (int i = 0; i < 2; ++i) ASSERT_EQ(run("run p.yaml --keep-outputs").exit, 0);
  }
  void fill() const {
    std::ofstream out(disk_.path() / "filling", std::ios::app);
    const std::string block(4096, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
  }
  // Without directories, locks and the counter, which hold nothing that a user would miss.
  std::map<std::string, std::string> tree() const {
    auto all = project_.tree();
    std::erase_if(all, [&](const auto& file) {
      return file.first.ends_with(".lock") || file.first.find("counters.sqlite") != std::string::npos ||
             fs::is_directory(project_.dir().parent_path() / file.first) || file.first.ends_with("filling");
    });
    return all;
  }
  void expect_refused(const std::string& line, const std::string& why) const {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit, 3) << line << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(why)) << line;
    EXPECT_THAT(outcome.err, HasSubstr("💡")) << line;
  }

  Project project_;
  test::SmallDisk disk_;
};

TEST_F(Disk, ThatIsFullStopsWhatWritesAndNothingElse) {
  OSIRIS_NEEDS_DISK(disk_);
  run_twice();
  fill();
  const auto before = tree();
  for (const std::string& line : kReading) EXPECT_EQ(run(line).exit, 0) << line;
  for (const std::string& line : kWriting) {
    fill();
    expect_refused(line, "No space left on device");
  }
  EXPECT_EQ(tree(), before);
  const Outcome doctor = run("doctor");
  EXPECT_EQ(doctor.exit, 3) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("free some space"));
  // What makes room works.
  for (const std::string& line : kRemoving) {
    fill();
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit, 0) << line << outcome.err;
  }
  EXPECT_EQ(run("runs list").exit, 0);
}

TEST_F(Disk, ThatCannotBeWrittenIsNamed) {
  OSIRIS_NEEDS_DISK(disk_);
  run_twice();
  ASSERT_EQ(::mount("tmpfs", disk_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
  const auto before = tree();
  for (const std::string& line : kReading) EXPECT_EQ(run(line).exit, 0) << line;
  for (const auto* lines : {&kWriting, &kRemoving})
    for (const std::string& line : *lines) expect_refused(line, "Read-only file system");
  EXPECT_EQ(tree(), before);
  const Outcome doctor = run("doctor");
  EXPECT_EQ(doctor.exit, 3) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("make it writable"));
}

}  // namespace
}  // namespace osiris::e2e
