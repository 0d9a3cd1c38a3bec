-- A row per confirmed order: where its goods are and when their next step is due, and when its receipt is. What is due
-- at no time (NULL) is done. Whoever takes what is due puts the time off first, for as long as the lease is to last.
-- Ids are compared by their bytes (COLLATE "C"), as everywhere else, whatever the database's language.
CREATE TABLE shipments (
    order_id TEXT COLLATE "C" PRIMARY KEY,
    stage TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT,
    noted_at BIGINT NOT NULL,
    receipt_attempts BIGINT NOT NULL DEFAULT 0,
    receipt_due_at BIGINT
);

CREATE INDEX shipments_due ON shipments (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX receipts_due ON shipments (receipt_due_at) WHERE receipt_due_at IS NOT NULL;
