-- The tables of the service, in the schemas of the real system and under its names (mithril.*, prm.*).
--
-- Tokens and secrets are kept as SHA-256 in lower-case hex only; the CHECKs keep a clear value out even when it is
-- typed by hand. COLLATE "C": such texts are compared byte for byte.

CREATE SCHEMA IF NOT EXISTS mithril;
CREATE SCHEMA IF NOT EXISTS prm;

CREATE TABLE mithril.clients (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    client_type text NOT NULL CHECK (client_type <> ''),
    scope       text NOT NULL,
    is_blocked  boolean NOT NULL DEFAULT false,
    inserted_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE mithril.tokens (
    value_hash  text COLLATE "C" NOT NULL CHECK (value_hash ~ '^[0-9a-f]{64}$'),
    name        text COLLATE "C" NOT NULL CHECK (name IN ('access_token', 'refresh_token', '2fa_access_token',
                                                          'change_password_token', 'authorization_code')),
    user_id     uuid NOT NULL,
    client_id   uuid NOT NULL REFERENCES mithril.clients (id) ON DELETE CASCADE,
    scope       text NOT NULL,
    expires_at  bigint NOT NULL, -- Unix seconds, as in the real system
    inserted_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    UNIQUE (value_hash, name)
);

CREATE INDEX tokens_client_id ON mithril.tokens (client_id);
CREATE INDEX tokens_user_id ON mithril.tokens (user_id);

CREATE TABLE mithril.connections (
    id           uuid PRIMARY KEY,
    client_id    uuid NOT NULL REFERENCES mithril.clients (id) ON DELETE CASCADE,
    consumer_id  uuid NOT NULL REFERENCES mithril.clients (id) ON DELETE CASCADE,
    secret_hash  text COLLATE "C" NOT NULL UNIQUE CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
    redirect_uri text NOT NULL CHECK (redirect_uri ~ '^https://.'),
    inserted_at  timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (client_id, consumer_id)
);

CREATE INDEX connections_consumer_id ON mithril.connections (consumer_id);

CREATE TABLE prm.contracts (
    id          uuid PRIMARY KEY,
    type        text NOT NULL CHECK (type <> ''),
    inserted_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE prm.contract_divisions (
    id          uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES prm.contracts (id),
    division_id uuid NOT NULL,
    is_active   boolean NOT NULL,
    inserted_at timestamptz NOT NULL,
    inserted_by uuid, -- NULL: nobody, it came from a fixture
    updated_at  timestamptz NOT NULL,
    updated_by  uuid  -- NULL: never changed by a user
);

CREATE INDEX contract_divisions_contract_id ON prm.contract_divisions (contract_id);

-- At most one row: that a fixture was applied, so that a second `seed` brings nothing back.
CREATE TABLE brama.seeded (
    id        integer PRIMARY KEY CHECK (id = 1),
    seeded_at timestamptz NOT NULL
);

-- Seconds of the database's clock as it is, not as it was when the transaction began: one that waited for a lock is
-- judged by when it went on.
CREATE FUNCTION brama.unix_now() RETURNS bigint LANGUAGE sql VOLATILE
RETURN floor(extract(epoch FROM clock_timestamp()))::bigint;
