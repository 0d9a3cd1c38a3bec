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
