CREATE TABLE orders (
  id INT PRIMARY KEY,
  customer_id INT NOT NULL,
  ordered_on DATE NOT NULL,
  total DECIMAL(10,2) NOT NULL
);
INSERT INTO orders VALUES (1, 1, '2026-01-05', 120.00), (2, 2, '2026-01-06', 35.50), (3, 1, '2026-02-01', 80.25);
CREATE TABLE customers (
  id INT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  country VARCHAR(2) NOT NULL
);
INSERT INTO customers VALUES (1, 'Ada', 'GB');
