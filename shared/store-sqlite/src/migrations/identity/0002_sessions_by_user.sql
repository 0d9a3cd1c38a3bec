-- Signing out everywhere ends an account's sessions.
CREATE INDEX sessions_by_user ON sessions (user_id);
