-- What the pipeline reads. Six rows are due in 2025; one is older and must not be counted.
CREATE TABLE shipments (
  shipment_id BIGINT UNSIGNED PRIMARY KEY,
  carrier VARCHAR(40) CHARACTER SET utf8mb4 NOT NULL,
  promised_on DATE NOT NULL,
  shipped_on DATE NULL,
  weight_kg DECIMAL(12, 3) NULL
);
INSERT INTO shipments VALUES
  (1, 'Kolibri 🐦', '2025-01-02', '2025-01-03', 12.500),
  (2, 'Kolibri 🐦', '2025-01-05', '2025-01-09', NULL),
  (3, 'Möwe & Söhne', '2025-01-05', '2025-01-05', 0.001),
  (18446744073709551615, 'Möwe & Söhne', '2025-01-06', '2025-01-20', 999999999.999),
  (5, 'Kolibri 🐦', '2025-02-01', '2025-02-28', 3.000),
  (6, 'Albatros; Sons', '2025-02-02', NULL, 7.250),
  (7, 'Albatros; Sons', '2024-12-31', '2025-03-01', 1.000);
