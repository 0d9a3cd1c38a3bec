-- Amounts are minor units, times milliseconds since the epoch; category, attributes and images are JSON.
-- Ids are compared by their bytes (COLLATE "C"), as everywhere else, whatever the database's language.
CREATE TABLE products (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    brand TEXT,
    category TEXT NOT NULL,
    description TEXT NOT NULL,
    price_amount BIGINT NOT NULL CHECK (price_amount >= 0),
    price_currency TEXT NOT NULL,
    attributes TEXT NOT NULL,
    rating DOUBLE PRECISION,
    images TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Products of a category, best rated first. By digest, as a long category does not fit into an index.
CREATE INDEX products_by_category ON products (MD5(category), rating DESC NULLS LAST, id);

-- Events that are not delivered yet, written in the transaction of the change they tell of.
CREATE TABLE outbox (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL DEFAULT 0,
    is_parked BOOLEAN NOT NULL DEFAULT FALSE,
    reason TEXT
);

CREATE INDEX outbox_by_subject ON outbox (subject, sequence);

-- Which relay has the outbox for itself, in a single row.
CREATE TABLE outbox_lease (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    owner TEXT COLLATE "C" NOT NULL,
    lease_until BIGINT NOT NULL
);
