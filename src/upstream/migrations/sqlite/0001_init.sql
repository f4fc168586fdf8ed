-- The tables of the service, named after those of the real system (mithril.*, prm.*).
-- SQLite has one schema, so the schema's name is a prefix.
--
-- Identifiers are canonical lower-case UUIDs, compared byte for byte. Tokens and secrets are kept as SHA-256 in
-- lower-case hex only; the CHECKs keep a clear value out even when it is typed by hand.

CREATE TABLE mithril_clients (
    id          TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36 AND id NOT GLOB '*[^0-9a-f-]*'),
    name        TEXT NOT NULL,
    client_type TEXT NOT NULL CHECK (client_type <> ''),
    scope       TEXT NOT NULL,
    is_blocked  INTEGER NOT NULL DEFAULT 0 CHECK (is_blocked IN (0, 1)),
    inserted_at TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;

CREATE TABLE mithril_tokens (
    value_hash  TEXT NOT NULL CHECK (length(value_hash) = 64 AND value_hash NOT GLOB '*[^0-9a-f]*'),
    name        TEXT NOT NULL CHECK (name IN ('access_token', 'refresh_token', '2fa_access_token',
                                              'change_password_token', 'authorization_code')),
    user_id     TEXT NOT NULL CHECK (length(user_id) = 36 AND user_id NOT GLOB '*[^0-9a-f-]*'),
    client_id   TEXT NOT NULL REFERENCES mithril_clients (id) ON DELETE CASCADE,
    scope       TEXT NOT NULL,
    expires_at  INTEGER NOT NULL, -- Unix seconds, as in the real system
    inserted_at TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (value_hash, name)
) STRICT;

CREATE INDEX mithril_tokens_client_id ON mithril_tokens (client_id);

CREATE TABLE mithril_connections (
    id           TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36 AND id NOT GLOB '*[^0-9a-f-]*'),
    client_id    TEXT NOT NULL REFERENCES mithril_clients (id) ON DELETE CASCADE,
    consumer_id  TEXT NOT NULL REFERENCES mithril_clients (id) ON DELETE CASCADE,
    secret_hash  TEXT NOT NULL UNIQUE CHECK (length(secret_hash) = 64 AND secret_hash NOT GLOB '*[^0-9a-f]*'),
    redirect_uri TEXT NOT NULL CHECK (redirect_uri GLOB 'https://?*'),
    inserted_at  TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    UNIQUE (client_id, consumer_id)
) STRICT;

CREATE INDEX mithril_connections_consumer_id ON mithril_connections (consumer_id);

CREATE TABLE prm_contracts (
    id          TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36 AND id NOT GLOB '*[^0-9a-f-]*'),
    type        TEXT NOT NULL CHECK (type <> ''),
    inserted_at TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;

CREATE TABLE prm_contract_divisions (
    id          TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36 AND id NOT GLOB '*[^0-9a-f-]*'),
    contract_id TEXT NOT NULL REFERENCES prm_contracts (id),
    division_id TEXT NOT NULL CHECK (length(division_id) = 36 AND division_id NOT GLOB '*[^0-9a-f-]*'),
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    inserted_at TEXT NOT NULL,
    inserted_by TEXT, -- NULL: nobody, it came from a fixture
    updated_at  TEXT NOT NULL,
    updated_by  TEXT  -- NULL: never changed by a user
) STRICT;

CREATE INDEX prm_contract_divisions_contract_id ON prm_contract_divisions (contract_id);

-- At most one row: that a fixture was applied, so that a second `seed` brings nothing back.
CREATE TABLE brama_seeded (
    id        INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    seeded_at TEXT NOT NULL
) STRICT;
