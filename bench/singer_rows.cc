#include "bench/singer_rows.h"

#include <fstream>

#include "protocol/base/json.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

void prepare(const SingerBench& bench) {
  std::ofstream text(bench.project / "records.txt");
  text << R"({"type": "SCHEMA", "stream": "orders", "key_properties": ["id"], "schema": {"properties": )"
          R"({"id": {"type": "integer"}, "customer": {"type": "string"}, "amount": {"type": ["null", "number"]}, )"
          R"("placed_at": {"type": "string", "format": "date-time"}, "day": {"type": "string", "format": "date"}, )"
          R"("quantity": {"type": ["null", "integer"]}, "is_paid": {"type": "boolean"}, "rate": {"type": "number"}, )"
          R"("token": {"type": "string"}, "note": {"type": ["null", "string"]}}}})"
       << "\n";
  for (uint64_t i = 0; i < bench.rows; ++i) {
    const std::string n = std::to_string(i);
    text << R"({"type": "RECORD", "stream": "orders", "record": {"id": )" << n << R"(, "customer": "customer )"
         << i * 7919 % 100003 << R"( of the north", "amount": )"
         << (i % 50 ? std::to_string(i % 100000) + ".25" : "null") << R"(, "placed_at": "2024-01-)" << 10 + i % 20
         << R"(T10:00:00Z", "day": "2024-02-)" << 10 + i % 19 << R"(", "quantity": )"
         << (i % 20 ? std::to_string(i % 1000) : "null") << R"(, "is_paid": )" << (i % 3 ? "true" : "false")
         << R"(, "rate": )" << i % 700 << R"(.125, "token": "5d41402abc4b2a76b9719d911017c592-)" << n
         << R"(", "note": )" << (i % 4 ? "\"as it was ordered\"" : "null") << "}}\n";
  }
  text << R"({"type": "STATE", "value": {"last": )" << bench.rows << "}}\n";
  std::ofstream(bench.project / "tap.sh") << "#!/bin/sh\nexec cat " << (bench.project / "records.txt").string() << "\n";
  std::ofstream(bench.project / "pull.yaml")
      << "oml_version: \"0.1.0\"\nname: pull\nsteps:\n  - id: pull\n    component: singer.extractor\n    mode: read\n"
         "    config: {tap: tap.sh, files: [tap.sh], stream: orders, discover: false}\n";
}

}  // namespace

Row singer_row(const SingerBench& bench) {
  prepare(bench);
  std::vector<double> rates;
  for (int i = 0; i < bench.rounds; ++i) {
    const auto report = parse_json(run({bench.osiris, "--json", "run", "pull.yaml"}, bench.project).output);
    const double seconds = (*report)["steps"].items().at(0)["duration_ms"].as_double() / 1000;
    rates.push_back(static_cast<double>(bench.rows) / seconds);
  }
  return {
      format(static_cast<double>(bench.rows) / 1e6, "M") + " records × 10 of a Singer tap that replays text → relation",
      format(median(rates) / 1000, "k records/s"),
      "–",
      "–",
      "≥ 200 k records/s",
      median(rates) >= 200'000};
}

}  // namespace osiris::bench
