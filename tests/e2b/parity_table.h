// The pipelines of the parity test: every example, every fault of the mock driver's menu, and data that has gone wrong
// before.
#pragma once

#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace osiris::e2b_test {

struct ParityRow {
  std::string name;
  std::string pipeline;                // OML text, or empty: `example`
  std::string example;                 // a folder of examples/
  std::vector<std::string> arguments;  // of `osiris run`; "{adapter}" becomes the adapter's name
  int exit = 0;
  std::map<std::string, std::string> files = {};  // what the pipeline reads, beside the example's own
  std::map<std::string, std::string> environment = {};
};

void PrintTo(const ParityRow& row, std::ostream* out);

std::vector<ParityRow> parity_table();

// Those about files of other forms, and programs.
std::vector<ParityRow> file_rows();
// The bytes of a Parquet file of two rows.
const std::string& parquet_file();
// Those with shards.
std::vector<ParityRow> shard_rows();
// Those whose shards are parts of a table of a server.
std::vector<ParityRow> split_rows();

// The keys of the mock driver's config, and "hang: politely" and its like for a key with a list of values; from its
// spec.yaml.
std::set<std::string> mock_menu();

}  // namespace osiris::e2b_test
