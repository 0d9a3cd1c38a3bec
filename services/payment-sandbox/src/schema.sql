-- The sandbox's books. seq orders listings: Stripe's are by creation, newest first.
-- Amounts are minor units, times seconds since 1970 (Stripe's unit), metadata a JSON object.

CREATE TABLE IF NOT EXISTS payment_intents (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT    NOT NULL UNIQUE,
    amount              INTEGER NOT NULL CHECK (amount > 0),
    amount_received     INTEGER NOT NULL DEFAULT 0 CHECK (amount_received BETWEEN 0 AND amount),
    currency            TEXT    NOT NULL,
    capture_method      TEXT    NOT NULL,
    status              TEXT    NOT NULL,
    payment_method      TEXT,
    latest_charge       TEXT,
    last_payment_error  TEXT,
    cancellation_reason TEXT,
    canceled_at         INTEGER,
    client_secret       TEXT    NOT NULL,
    description         TEXT,
    metadata            TEXT    NOT NULL,
    created             INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS charges (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    payment_intent  TEXT    NOT NULL REFERENCES payment_intents (id),
    amount          INTEGER NOT NULL,
    amount_captured INTEGER NOT NULL DEFAULT 0 CHECK (amount_captured BETWEEN 0 AND amount),
    amount_refunded INTEGER NOT NULL DEFAULT 0 CHECK (amount_refunded BETWEEN 0 AND amount),
    captured        INTEGER NOT NULL DEFAULT 0,
    currency        TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    decline_code    TEXT,
    payment_method  TEXT    NOT NULL,
    description     TEXT,
    metadata        TEXT    NOT NULL,
    created         INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS charges_by_intent ON charges (payment_intent);

CREATE TABLE IF NOT EXISTS refunds (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    charge         TEXT    NOT NULL REFERENCES charges (id),
    payment_intent TEXT    NOT NULL REFERENCES payment_intents (id),
    amount         INTEGER NOT NULL CHECK (amount > 0),
    currency       TEXT    NOT NULL,
    reason         TEXT,
    metadata       TEXT    NOT NULL,
    created        INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS refunds_by_intent ON refunds (payment_intent);

-- What was answered to a request that carried an Idempotency-Key: written in the transaction of what it did.
CREATE TABLE IF NOT EXISTS idempotent_requests (
    key        TEXT    PRIMARY KEY,
    path       TEXT    NOT NULL,
    parameters TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    created    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
