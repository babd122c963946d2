CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, email varchar(100) UNIQUE,
  balance numeric(12,2) DEFAULT 0, meta jsonb, tags text[], created timestamptz DEFAULT now());
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cust int REFERENCES customers (id) ON DELETE CASCADE,
  amount numeric(10,2) CONSTRAINT amount_positive CHECK (amount >= 0), odate date, note text);
CREATE INDEX orders_cust ON orders (cust);
CREATE UNIQUE INDEX orders_day ON orders (odate, cust);
CREATE VIEW v_orders AS SELECT c.name, o.amount FROM customers c JOIN orders o ON o.cust = c.id;
CREATE MATERIALIZED VIEW mv_tot AS SELECT cust, sum(amount) AS s FROM orders GROUP BY cust;
CREATE TABLE "Odd Name" ("A b" int, plain boolean DEFAULT true);
CREATE TABLE single (x int);
