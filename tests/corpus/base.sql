-- What exists before each case of the corpus: two tables with many rows, one with 40, one with none.
DO $$ BEGIN CREATE ROLE app_user; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE TYPE order_status AS ENUM ('pending', 'paid', 'shipped', 'refunded');
CREATE TABLE users (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text NOT NULL,
  name varchar(100),
  phone text,
  nickname text,
  age integer,
  country varchar(2) NOT NULL DEFAULT 'DE',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_email_key UNIQUE (email)
);
CREATE TABLE orders (
  id serial PRIMARY KEY,
  user_id integer NOT NULL,
  status order_status NOT NULL DEFAULT 'pending',
  total numeric(10, 2) NOT NULL,
  reference varchar(40) NOT NULL,
  note text,
  placed_at timestamp NOT NULL DEFAULT now(),
  CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX orders_user_id_idx ON orders (user_id);
CREATE TABLE sessions (
  token text,
  user_id integer,
  payload json,
  expires_at timestamp
);
CREATE TABLE invites (
  id serial PRIMARY KEY,
  email varchar(100) NOT NULL,
  code text,
  role text NOT NULL DEFAULT 'member',
  invited_by integer,
  weight numeric(8, 2),
  accepted_at timestamp
);
CREATE TABLE empty_table (
  id serial PRIMARY KEY,
  name text,
  amount integer,
  created_at timestamp
);
-- No nickname is set; every fourth phone and every second note is missing; no order is refunded.
INSERT INTO users (email, name, phone, age)
  SELECT 'user' || g || '@example.com', 'User ' || g, CASE WHEN g % 4 > 0 THEN '+49 30 ' || g END, 18 + g % 60
  FROM generate_series(1, 20000) g;
INSERT INTO orders (user_id, status, total, reference, note)
  SELECT 1 + g % 20000, (ARRAY['pending', 'paid', 'shipped'])[1 + g % 3]::order_status, g / 10.0, 'R-' || g,
         CASE WHEN g % 2 = 0 THEN 'note ' || g END
  FROM generate_series(1, 25000) g;
INSERT INTO sessions (token, user_id, payload, expires_at)
  SELECT md5(g::text), g, '{}', timestamp '2030-01-01' FROM generate_series(1, 20000) g;
INSERT INTO invites (email, code, invited_by, weight)
  SELECT 'guest' || g || '@example.com', 'CODE' || g, g, g * 1.25 FROM generate_series(1, 40) g;
GRANT SELECT, INSERT, UPDATE, DELETE ON users, orders TO app_user;
ANALYZE;
