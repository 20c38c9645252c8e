// Shards of files that are read as one stream, beside the same shards stored one by one: what each step says and what
// is written is the same.
#include <functional>

#include "tests/unit/worker/shards_fixture.h"
#include "tests/unit/worker/streams_fixture.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

constexpr int kFiles = 5, kRowsOfAFile = 20'000;

class ShardStreams : public BothWays<ShardsTest> {
 protected:
  using Line = std::function<std::string(int file, int row)>;
  static std::string plain(int file, int row) {
    return std::to_string(file * kRowsOfAFile + row) + ",word number " + std::to_string(row % 100) + "," +
           std::to_string(row) + ".5";
  }
  void write_files(const Line& line = plain, const std::string& head = "id,word,price\n") {
    for (int file = 0; file < kFiles; ++file) {
      std::string text = head;
      for (int row = 0; row < kRowsOfAFile; ++row) text += line(file, row) + "\n";
      write("part-" + std::to_string(file) + ".csv", text);
    }
  }
  Json files_reader(Json config = Json::object()) {
    Json made = reader("filesystem.csv_extractor", std::move(config));
    made.find("shards")->set("foreach", Json::object({{"files", "part-*.csv"}}));
    return made;
  }
  static Json writer(const std::string& from) {
    Json made = step("save", "filesystem.csv_writer", {from}, Json::object({{"path", "out.csv"}}));
    made.set("mode", "write");
    return made;
  }
  void clear() override { std::filesystem::remove(directory_ / "work/out.csv"); }
  std::string written() override {
    const auto text = read_file(directory_ / "work/out.csv");
    return text.ok() ? *text : "<none>";
  }
  // A shard's fingerprint is of what was given to its reader, or of all its columns.
  std::vector<std::string> differing() const override {
    std::vector<std::string> keys = BothWays::differing();
    keys.emplace_back("fingerprint");
    return keys;
  }
  void check(const Outcome& seen) override {
    if (!seen.errors.empty()) return;
    __extension__ unsigned __int128 sum = 0, whole = 0;
    for (const Json& event : seen.told) {
      const std::string& name = event["event"].as_string();
      if (name == "shard_complete") sum += number(event["fingerprint"].as_string());
      if (name == "step_complete" && event["step_id"].as_string() == "read")
        whole = number(event["fingerprint"].as_string());
    }
    EXPECT_TRUE(sum > 0 && sum == whole);
  }
  __extension__ static unsigned __int128 number(const std::string& text) {
    __extension__ unsigned __int128 value = 0;
    for (const char digit : text) {
      EXPECT_TRUE(digit >= '0' && digit <= '9') << text;
      value = value * 10 + static_cast<unsigned>(digit - '0');
    }
    return value;
  }
  // What was told of each.
  static std::vector<std::string> shards(const Outcome& seen) {
    std::vector<std::string> told;
    for (const Json& event : seen.told)
      if (event["event"].as_string() == "shard_complete") told.push_back(event.dump());
    return told;
  }
};

TEST_F(ShardStreams, AQueryAndAWriterReadThemInTheOrderOfTheList) {
  write_files();
  const Outcome seen =
      run_both({files_reader(), sql("query", "SELECT id, word, price FROM df_read WHERE id % 7 = 0", {"read"}),
                writer("query")});
  EXPECT_TRUE(seen.written.starts_with("id,price,word\n0,0.5,word number 0\n7,7.5,")) << seen.written.substr(0, 99);
  EXPECT_EQ(shards(seen).size(), size_t{kFiles});
  EXPECT_THAT(shards(seen).back(), HasSubstr("\"rows\":20000"));
}

TEST_F(ShardStreams, AWriterReadsThemItself) {
  write_files();
  EXPECT_TRUE(run_both({files_reader(), writer("read")}).errors.empty());
}

TEST_F(ShardStreams, AQueryThatCountsReadsThemAll) {
  write_files();
  const Outcome seen =
      run_both({files_reader(), sql("query", "SELECT count(*) AS n FROM df_read", {"read"}), writer("query")});
  EXPECT_EQ(seen.written, "n\n100000\n");
}

// Whole numbers in four files, and one fraction in the last.
TEST_F(ShardStreams, TypesAreThoseOfAllFiles) {
  const auto write_with_fraction_at = [&](int at) {
    files_.clear();
    write_files([at](int file, int row) {
      return std::to_string(row) + "," + (file == 4 && row == at ? "0.5" : std::to_string(row)) + ",x";
    });
  };
  const auto steps = [&] {
    return std::vector<Json>{files_reader(),
                             sql("query", "SELECT any_value(typeof(word)) AS t, sum(word) AS s FROM df_read", {"read"}),
                             writer("query")};
  };
  write_with_fraction_at(3);
  const Outcome seen = run_both(steps());
  EXPECT_THAT(seen.written, HasSubstr("DOUBLE"));
  // So far from its beginning that no look before finds it: then all is read again, as it ever was.
  write_with_fraction_at(15'000);
  const Outcome late = run(steps());
  EXPECT_FALSE(late.streamed);
  EXPECT_TRUE(late.errors.empty());
  EXPECT_THAT(late.written, HasSubstr("DOUBLE"));
  EXPECT_FALSE(sink_.event("shards_restarted").is_null());
}

TEST_F(ShardStreams, AnEmptyFileAndOneWithoutALineEndAreShards) {
  write_files();
  write("part-5.csv", "id,word,price\n");
  write("part-6.csv", "id,word,price\n1,a,2.5");
  const Outcome seen = run_both({files_reader(), writer("read")});
  EXPECT_THAT(shards(seen).at(5), HasSubstr("\"rows\":0"));
  EXPECT_TRUE(seen.written.ends_with("\n1,2.5,a\n"));
}

TEST_F(ShardStreams, ColumnsInAnotherOrderAreStored) {
  write_files();
  write("part-5.csv", "word,id,price\na,1,2.5\n");
  EXPECT_TRUE(run_both({files_reader(), writer("read")}, false).errors.empty());
}

TEST_F(ShardStreams, WhatIsWrongWithAShardIsNamedAsEver) {
  write_files([](int file, int row) { return plain(file, row) + (file == 3 && row == 17'000 ? ",more,fields" : ""); });
  const Outcome seen = run({files_reader(), writer("read")});
  EXPECT_FALSE(seen.streamed);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("shard 3 (part-3.csv): CSV parsing failed"));
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(ShardStreams, AFileThatIsNotTheListedOneIsNamed) {
  write_files();
  const Json read = files_reader();
  std::ofstream(directory_ / "work/part-2.csv", std::ios::app) << "1,2,3\n";
  const Outcome seen = run({read, writer("read")});
  EXPECT_FALSE(seen.streamed);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("shard 2 (part-2.csv): part-2.csv is no longer the file"));
}

TEST_F(ShardStreams, WhatAsksForStoringIsStored) {
  write_files();
  Json read = files_reader();
  read.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read, writer("read")}).streamed);
  read = files_reader();
  read.find("shards")->set("max_parallel", 1);
  EXPECT_FALSE(run({read, writer("read")}).streamed);
  EXPECT_FALSE(run({files_reader(), sql("query", "SELECT id FROM df_read", {"read"}), writer("read")}).streamed);
  Json save =
      per_shard(step("save", "filesystem.csv_writer", {"read"}, Json::object({{"path", "${shard.index}.csv"}})));
  save.set("mode", "write");
  EXPECT_FALSE(run({files_reader(), save}).streamed);
}

TEST_F(ShardStreams, TypesAreSettledOnceAndToldBeforeTheFirstShard) {
  write_files();
  run({files_reader(), writer("read")});
  const auto names = sink_.event_names("read");
  EXPECT_EQ(std::count(names.begin(), names.end(), "shards_settled"), 1);
  EXPECT_LT(std::find(names.begin(), names.end(), "shards_settled"),
            std::find(names.begin(), names.end(), "shard_complete"));
  EXPECT_EQ(names.back(), "step_complete");
}

TEST_F(ShardStreams, ACancelledRunLeavesNothing) {
  write_files();
  plan({files_reader(),
        sql("query", "SELECT a.id FROM df_read a, range(100000000) b WHERE a.id + b.range = -1", {"read"}),
        writer("query")});
  for (const char* id : {"save", "query", "read"}) ask(id);
  executor_->cancel("test");
  EXPECT_EQ(error("save").code, Code::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "work/out.csv"));
  EXPECT_EQ(sink_.event("shard_complete"), Json());
}

}  // namespace
}  // namespace osiris::worker
