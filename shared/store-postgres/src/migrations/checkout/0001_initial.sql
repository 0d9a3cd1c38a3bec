-- The idempotency record and the saga's state in one. A forgotten checkout has no key any more; cart_lock is
-- the cart's id while the cart is locked, so that the database itself lets one checkout have it.
-- Ids are compared by their bytes (COLLATE "C"), as everywhere else, whatever the database's language.
CREATE TABLE checkouts (
    order_id TEXT COLLATE "C" PRIMARY KEY,
    idempotency_key TEXT UNIQUE,
    fingerprint TEXT NOT NULL,
    cart_id TEXT COLLATE "C" NOT NULL,
    cart_lock TEXT COLLATE "C" UNIQUE,
    access_token TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    request_id TEXT NOT NULL,
    step TEXT NOT NULL,
    intent TEXT,
    outcome TEXT,
    worker TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    is_open BOOLEAN NOT NULL
);

CREATE INDEX checkouts_open ON checkouts (lease_until) WHERE is_open;

-- Amounts are minor units of the currency; items, shipping_address and timeline are JSON.
CREATE TABLE orders (
    id TEXT COLLATE "C" PRIMARY KEY REFERENCES checkouts (order_id),
    status TEXT NOT NULL,
    owner TEXT COLLATE "C",
    cart_id TEXT COLLATE "C" NOT NULL,
    access_digest TEXT NOT NULL,
    email TEXT NOT NULL,
    currency TEXT NOT NULL,
    subtotal BIGINT NOT NULL,
    shipping BIGINT NOT NULL,
    total BIGINT NOT NULL,
    items TEXT NOT NULL,
    shipping_address TEXT NOT NULL,
    timeline TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX orders_by_owner ON orders (owner, created_at, id) WHERE owner IS NOT NULL;

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
