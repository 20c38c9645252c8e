// Paths.
#include "tests/e2e/messages/message_row.h"

namespace osiris::e2e {

namespace {

// Longer than a system call takes, of names that are not too long.
std::string deep_path() {
  std::string path;
  for (int i = 0; i < 21; ++i) path += std::string(200, 'd') + "/";
  return path + "x.csv";
}

}  // namespace

const std::vector<MessageRow>& path_rows() {
  static const std::vector<MessageRow> rows = {
      {"Missing", "in/people.csv", "in/peple.csv", "p.yaml:10:13", "in/peple.csv", "'in/people.csv'", "in/people.csv"},
      {"MissingDirectory", "in/people.csv", "input/people.csv", "p.yaml:10:13", "input/people.csv", "relative paths",
       "in/people.csv"},
      {"Directory", "path: in/people.csv", "path: in", "p.yaml:10:13", "path: in", "name a file",
       "path: in/people.csv"},
      {"Glob", "in/people.csv", "in/*.csv", "p.yaml:10:13", "in/*.csv", "one file", "in/people.csv"},
      {"Home", "in/people.csv", "~/people.csv", "p.yaml:10:13", "~/people.csv", "whole path", "in/people.csv"},
      {"S3", "in/people.csv", "s3://bucket/people.csv", "p.yaml:10:13", "s3://bucket/people.csv", "@filesystem",
       "in/people.csv"},
      {"Http", "in/people.csv", "http://example.org/people.csv", "p.yaml:10:13", "http://example.org/people.csv",
       "write https://", "in/people.csv"},
      {"Ftp", "in/people.csv", "ftp://example.org/people.csv", "p.yaml:10:13", "ftp://example.org/people.csv",
       "copy it here first", "in/people.csv"},
      {"Backslashes", "path: in/people.csv", "path: 'in\\people.csv'", "p.yaml:10:13", "path: 'in\\people.csv'", "'/'",
       "path: in/people.csv"},
      {"OutputIsDirectory", "out/adults.csv", "in", "p.yaml:24:13", "in", "add the file's name", "in/adults.csv"},
      {"OutputEndsWithSlash", "out/adults.csv", "out/", "p.yaml:24:13", "out/", "add the file's name",
       "out/adults.csv"},
      {"OutputBelowFile", "out/adults.csv", "in/people.csv/x.csv", "p.yaml:24:13", "in/people.csv/x.csv",
       "another directory", "in/x.csv"},
      {"OutputIsInput", "out/adults.csv", "in/people.csv", "p.yaml:24:13", "in/people.csv", "another file",
       "out/adults.csv"},
      {"OutputS3", "out/adults.csv", "s3://bucket/x.csv", "p.yaml:24:13", "s3://bucket/x.csv", "@filesystem",
       "out/x.csv"},
      {"OutputHttps", "out/adults.csv", "https://example.org/x.csv", "p.yaml:24:13", "https://example.org/x.csv",
       "write to s3://", "out/x.csv"},
      {"OutputHome", "out/adults.csv", "~/x.csv", "p.yaml:24:13", "~/x.csv", "whole path", "out/x.csv"},
      {"NameTooLong", "out/adults.csv",
       "out/"
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.csv",
       "p.yaml:24:13", "304 bytes", "at most 255", "out/x.csv"},
      {"EmptyPath", "path: out/adults.csv", "path: \"\"", "p.yaml:24:13", "path: \"\"", "must not be empty",
       "path: out/x.csv"},
      {"PathIsNumber", "path: out/adults.csv", "path: 12", "p.yaml:24:13", "path: 12", "path: \"text\"",
       "path: \"12\""},
      {"ScriptMissing",
       "component: duckdb.processor\n    mode: transform\n    needs: [read-people]\n    config:\n      query: SELECT "
       "id, name FROM df_read_people WHERE age >= 18",
       "component: python.processor\n    mode: transform\n    needs: [read-people]\n    config:\n      script: scor.py",
       "p.yaml:18:15", "script: scor.py", "'score.py'",
       "component: python.processor\n    mode: transform\n    needs: [read-people]\n    config:\n      script: "
       "score.py"},
      {"TwoWriters", "out/adults.csv\n",
       "out/adults.csv\n  - id: again\n    component: filesystem.csv_writer\n    mode: write\n    needs: [adults]\n    "
       "config: {path: out/adults.csv}\n",
       "p.yaml:29:20", "config: {path: out/adults.csv}", "path of its own",
       "out/adults.csv\n  - id: again\n    component: filesystem.csv_writer\n    mode: write\n    needs: [adults]\n    "
       "config: {path: out/again.csv}\n"},
      {"OutputDirectory", "path: out/adults.csv", "path: nope/adults.csv\n      create_dirs: false", "p.yaml:24:13",
       "nope", "set create_dirs: true", "path: nope/adults.csv\n      create_dirs: true"},
      {"WholePathTooLong", "path: out/adults.csv", "path: " + deep_path(), "p.yaml:24:13", "bytes", "at most 4095",
       "path: out/adults.csv"},
  };
  return rows;
}

}  // namespace osiris::e2e
