// Outputs: where they are put, what they hold, and that nothing is claimed of those that are not there.
#include <sys/stat.h>

#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::check {
namespace {

void succeeds(Bench& bench, const Pipeline& pipeline) {
  Life life(bench);
  life.run(bench.request(pipeline));
  if (!bench.is_settled()) life.expect_success(pipeline);
}

std::function<void(Bench&)> writes_to(std::string path) {
  return [path](Bench& bench) {
    Pipeline pipeline(bench.directory("run"));
    pipeline.read("read", "in.csv", "id\n1\n").write("write", path, "read", "id\n1\n");
    succeeds(bench, pipeline);
  };
}

void writes_beside(Bench& bench) {
  const std::string path = (bench.directory("elsewhere") / "out.csv").string();
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n").write("write", path, "read", "id\n1\n");
  succeeds(bench, pipeline);
}

void reads_odd_names(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in dir/ein Ünï 'file'.csv", "id\n1\n").write("write", "out.csv", "read", "id\n1\n");
  succeeds(bench, pipeline);
}

void writes_no_rows(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n")
      .sql("none", "SELECT id FROM df_read WHERE id > 5", {"read"})
      .write("write", "out.csv", "none", "id\n");
  succeeds(bench, pipeline);
}

void writes_much(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n")
      .sql("many", "SELECT i AS id, md5(i::VARCHAR) AS text FROM df_read, range(400000) AS r(i) ORDER BY i", {"read"})
      .write("write", "out.csv", "many");
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  life.expect_success(pipeline);
  const auto digest = sha256_file(pipeline.work_dir() / "out.csv");
  bench.expect(digest.ok() && digest->size_bytes > 15'000'000, "the output has fewer bytes than it must");
}

void reads_much(Bench& bench) {
  std::string rows = "id,text\n";
  for (int i = 0; i < 300'000; ++i) rows += std::to_string(i) + ",a text that makes the line longer\n";
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", rows)
      .sql("sum", "SELECT count(*) AS n FROM df_read", {"read"})
      .write("write", "out.csv", "sum", "n\n300000\n");
  succeeds(bench, pipeline);
}

void writes_many(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n");
  for (int i = 0; i < 40; ++i)
    pipeline.write("write-" + std::to_string(i), "out/" + std::to_string(i) + "/x.csv", "read", "id\n1\n");
  succeeds(bench, pipeline);
}

void keeps_a_mode(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n").write("write", "out.csv", "read", "id\n1\n");
  const auto target = pipeline.work_dir() / "out.csv";
  (void)write_file_atomically(target, "old\n", {.mode = 0600});
  ::chmod(target.c_str(), 0640);
  succeeds(bench, pipeline);
  struct stat info{};
  ::stat(target.c_str(), &info);
  bench.expect((info.st_mode & 0777) == 0640, "the file that was replaced had mode 640 and has another one now");
}

void does_not_follow(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n").write("write", "out.csv", "read");
  const auto other = bench.directory("other") / "precious";
  (void)write_file_atomically(other, "precious\n");
  std::error_code error;
  std::filesystem::create_symlink(other, pipeline.work_dir() / "out.csv", error);
  Life life(bench);
  const bool ok = life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  const auto kept = read_file(other);
  bench.expect(kept.ok() && *kept == "precious\n", "a link in the output's place was followed, and a file overwritten");
  bench.expect(!ok, "a link is in the output's place, and the run said OK");
}

// A directory is where the file should be: the run fails, and says so.
void cannot_write(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n").write("write", "out.csv", "read");
  std::error_code error;
  std::filesystem::create_directories(pipeline.work_dir() / "out.csv" / "in the way", error);
  Life life(bench);
  const bool ok = life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  bench.expect(!ok, "a directory is in the output's place, and the run said OK");
  bench.expect(std::filesystem::is_directory(pipeline.work_dir() / "out.csv"), "the directory in the way was removed");
  life.expect_no_misbehaviour();
}

void names_outputs_once(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  const Json& files = life.outcome_of("collect").document["files"];
  bench.expect(files.size() == 1, "the document 'artifacts' names " + std::to_string(files.size()) + " files, not 1");
  const Json& released = life.outcome_of("collect").document["released"];
  for (const Json& entry : released.items())
    bench.expect(entry["verified"].as_bool() || entry["kept"].as_bool(),
                 "a resource is in 'released' and its end was not verified");
}

void claims_no_output_of_a_failure(Bench& bench) {
  const Pipeline pipeline = failing_pipeline(bench.directory("run"));
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  for (const Json& file : life.outcome_of("collect").document["files"].items())
    bench.expect(std::filesystem::exists(file["target"].as_string()),
                 "the document 'artifacts' names " + file["target"].as_string() + ", which is not there");
}

void writes_in_its_places(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(pipeline.work_dir(), error)) {
    const std::string name = entry.path().filename().string();
    bench.expect(name == "in.csv" || name == "out", "'" + name + "' was left in the working directory");
  }
  for (const auto& entry : std::filesystem::directory_iterator(pipeline.session_dir(), error)) {
    const std::string name = entry.path().filename().string();
    bench.expect(name == "adapter" || name == "artifacts" || name.ends_with(".jsonl") || name.ends_with(".log"),
                 "'" + name + "' was left in the session directory");
  }
  bench.expect(!std::filesystem::exists(pipeline.compiled_dir() / "out", error), "compiled_dir was written to");
}

}  // namespace

std::vector<Case> output_cases() {
  const auto runs = kTables | kRuns;
  return {
      {"output.nested", "Directories on the way to an output are made.", writes_to("a/b/c/d/out.csv"), runs},
      {"output.odd-name", "An output's name may hold blanks, quotes and any character.",
       writes_to("out/ein Ünï 'file' \"x\" 漢字.csv"), runs},
      {"output.parent", "An output may be beside the working directory.", writes_to("../beside/out.csv"), runs},
      {"output.absolute", "An output may be at an absolute path.", writes_beside, runs},
      {"output.odd-input", "An input's name may hold blanks, quotes and any character.", reads_odd_names, runs},
      {"output.empty", "An output without rows is an output.", writes_no_rows, runs},
      {"output.large", "An output of 15 MB arrives whole.", writes_much, runs},
      {"output.large-input", "An input of 10 MB is read whole.", reads_much, runs},
      {"output.many", "Forty outputs arrive, each in its directory.", writes_many, runs},
      {"output.mode", "A file that is replaced keeps its mode.", keeps_a_mode, runs},
      {"output.link", "A link in an output's place is not followed.", does_not_follow, runs},
      {"output.in-the-way", "A directory in an output's place fails the run and stays.", cannot_write, runs},
      {"output.named-once", "collect names each output once, and what it released was verified.", names_outputs_once,
       runs},
      {"output.no-claim", "After a failure collect names no output that is not there.", claims_no_output_of_a_failure,
       runs},
      {"output.places", "A run writes outputs, and below adapter/ and artifacts/ of the session, and nowhere else.",
       writes_in_its_places, runs},
  };
}

}  // namespace osiris::check
