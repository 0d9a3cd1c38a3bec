-- What is not reserved of what is on hand can be sold. The database itself refuses to sell more.
-- Ids are compared by their bytes (COLLATE "C"), as everywhere else, whatever the database's language.
CREATE TABLE stock (
    product_id TEXT COLLATE "C" PRIMARY KEY,
    on_hand BIGINT NOT NULL,
    reserved BIGINT NOT NULL DEFAULT 0,
    updated_at BIGINT NOT NULL,
    CHECK (0 <= reserved AND reserved <= on_hand)
);

CREATE TABLE reservations (
    order_id TEXT COLLATE "C" PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('held', 'released', 'settled', 'restocked')),
    expires_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX reservations_to_expire ON reservations (expires_at) WHERE state = 'held';

CREATE TABLE reservation_lines (
    order_id TEXT COLLATE "C" NOT NULL REFERENCES reservations (order_id),
    product_id TEXT COLLATE "C" NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, product_id)
);

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
