#include "tests/mysql/bench_table.h"

namespace osiris::test {

Status make_bench_table(MariaDbServer& server, uint64_t rows) {
  const std::string last = std::to_string(rows);
  // Aria without a log fills several times quicker than InnoDB and is read just as quickly.
  return server.execute(
      "CREATE DATABASE IF NOT EXISTS bench;"
      "CREATE TABLE bench.orders (id BIGINT UNSIGNED NOT NULL, customer VARCHAR(40) NOT NULL, amount DECIMAL(12,2),"
      " placed_at DATETIME NOT NULL, quantity INT, seen_at TIMESTAMP(6) NULL, day DATE, is_paid TINYINT(1), rate "
      "DOUBLE,"
      " token CHAR(32)) ENGINE=Aria TRANSACTIONAL=0 CHARACTER SET utf8mb4;"
      "INSERT INTO bench.orders SELECT seq, CONCAT('customer ', LPAD(seq * 7919 % 100003, 6, '0'), ' of the north'),"
      " IF(seq % 50 = 0, NULL, (seq * 104729 % 1000000007) / 100), '2024-01-01' + INTERVAL (seq * 31) SECOND,"
      " IF(seq % 20 = 0, NULL, seq % 1000), TIMESTAMP '2024-01-01 00:00:00.25' + INTERVAL (seq * 17) SECOND,"
      " DATE '2024-01-01' + INTERVAL (seq % 1000) DAY, seq % 3 = 0, seq / 7, MD5(seq) FROM bench.seq_1_to_" +
      last +
      ";"
      "CREATE USER IF NOT EXISTS bench@'%' IDENTIFIED BY 'bench'; GRANT SELECT ON bench.* TO bench@'%';"
      "CREATE DATABASE IF NOT EXISTS loaded; GRANT ALL ON loaded.* TO bench@'%';");
}

}  // namespace osiris::test
