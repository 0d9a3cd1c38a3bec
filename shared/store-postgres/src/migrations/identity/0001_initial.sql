-- Ids are compared by their bytes (COLLATE "C"), as everywhere else, whatever the database's language.
CREATE TABLE users (
    id TEXT COLLATE "C" PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- By digest: what is typed where an address belongs can be anything, even a password.
CREATE TABLE sign_in_failures (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address_digest TEXT NOT NULL,
    failed_at BIGINT NOT NULL
);

CREATE INDEX sign_in_failures_by_address ON sign_in_failures (address_digest, failed_at);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (failed_at);

CREATE TABLE sessions (
    id TEXT COLLATE "C" PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    opened_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- A traded token stays, so that a replay is recognised.
CREATE TABLE refresh_tokens (
    digest TEXT PRIMARY KEY,
    session_id TEXT COLLATE "C" NOT NULL REFERENCES sessions (id),
    expires_at BIGINT NOT NULL,
    rotated_at BIGINT
);

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- public_key is a JSON Web Key.
CREATE TABLE signing_keys (
    kid TEXT COLLATE "C" PRIMARY KEY,
    public_key TEXT NOT NULL,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX signing_keys_by_time ON signing_keys (created_at, kid);
