-- What is removed over time, and a user's tokens, are found by an index.

CREATE INDEX mithril_tokens_expires_at ON mithril_tokens (expires_at);

CREATE INDEX mithril_tokens_user_id ON mithril_tokens (user_id);
