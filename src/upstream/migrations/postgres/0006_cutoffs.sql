-- Entries of the feed are numbered after their commit, and a revocation of many is one entry and a cutoff.
--
-- Until here a transaction that revoked took the head's one row for the number of its entry, and kept it until its COMMIT was on the
-- disk: all deletions went one after the other. Now it inserts entries without numbers, and waits for nobody. Whoever reads the
-- feed first numbers what was committed, so that an entry's number is above all that any reader was told before.

-- Which entries have no number yet is found by the order of their insertion.
ALTER TABLE brama.revocations ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE brama.revocations DROP CONSTRAINT revocations_pkey;
ALTER TABLE brama.revocations ALTER COLUMN number DROP NOT NULL;
CREATE UNIQUE INDEX revocations_number ON brama.revocations (number) WHERE number IS NOT NULL;
CREATE INDEX revocations_unnumbered ON brama.revocations (id) WHERE number IS NULL;

-- Entries up to `settled` are numbered, or were never committed: who looks for the others begins there, and passes over no dead rows.
-- That is so of those up to `seen` once each transaction before `seen_by`, which numbered them, has ended.
ALTER TABLE brama.revocation_head ADD COLUMN settled bigint NOT NULL DEFAULT 0;
ALTER TABLE brama.revocation_head ADD COLUMN seen bigint NOT NULL DEFAULT 0;
ALTER TABLE brama.revocation_head ADD COLUMN seen_by xid8 NOT NULL DEFAULT '0';

-- Numbers at most so many entries, and tells how many those were.
CREATE FUNCTION brama.number_revocations(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head brama.revocation_head;
    had_xid boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
    ended xid8;
    ids bigint[];
    amount integer;
BEGIN
    -- One after the other. A lock of the head's row would take an xid, which is to be taken after `ids` are read.
    PERFORM pg_advisory_xact_lock(421985933665);
    SELECT * INTO STRICT head FROM brama.revocation_head;
    -- Read before the entries are: what ended before this is seen by the next statement.
    ended := pg_snapshot_xmin(pg_current_snapshot());
    ids := ARRAY(SELECT id FROM brama.revocations WHERE number IS NULL AND id > head.settled ORDER BY id LIMIT most);
    amount := cardinality(ids);
    IF amount = 0 THEN
        RETURN 0;
    END IF;
    UPDATE brama.revocations AS entry SET number = head.number + place
    FROM unnest(ids) WITH ORDINALITY AS given (id, place)
    WHERE entry.id = given.id AND entry.number IS NULL;
    IF ended >= head.seen_by THEN
        head.settled := least(head.seen, ids[amount]);
    END IF;
    -- A transaction has its xid before it takes an id. So who took one below `seen` has a lower xid than this transaction, which
    -- took its own after it had read them. (The mark of a database that came from another server may lie in this one's future.)
    IF NOT had_xid AND (ended >= head.seen_by OR head.seen_by > pg_snapshot_xmax(pg_current_snapshot())) THEN
        head.seen := ids[amount];
        head.seen_by := pg_current_xact_id();
    END IF;
    UPDATE brama.revocation_head
    SET number = head.number + amount, settled = head.settled, seen = head.seen, seen_by = head.seen_by;
    RETURN amount;
END $$;

-- For triggers: an entry for each subject. A reader that is more than 10,000 entries behind drops all that it remembers, so a
-- statement that would write as many credentials writes one entry which says that.
CREATE OR REPLACE FUNCTION brama.add_revocations(kind text, subjects text[], issued_before bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A transaction that changed nothing stays without an xid, and its COMMIT waits for no disk.
    IF cardinality(subjects) = 0 THEN
        RETURN;
    END IF;
    IF kind = 'credential' AND cardinality(subjects) > 10000 THEN
        kind := 'all';
        subjects := ARRAY[NULL];
    END IF;
    INSERT INTO brama.revocations (kind, subject, issued_before, revoked_at)
    SELECT add_revocations.kind, subject, add_revocations.issued_before, brama.unix_now()
    FROM unnest(subjects) AS subject;
END $$;

CREATE OR REPLACE FUNCTION brama.revoke_insert() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO brama.revocations (kind, subject, issued_before, expires_at, revoked_at)
    VALUES (NEW.kind, NEW.subject, NEW.issued_before, NEW.expires_at, brama.unix_now());
    RETURN NEW;
END $$;

-- `number_revocations` relies on it: a transaction has its xid before a row of its takes an id. The condition takes the xid and is
-- never met; a function that took it would be called by each deletion.
CREATE TRIGGER revocations_take_xid BEFORE INSERT ON brama.revocations
FOR EACH STATEMENT WHEN (pg_current_xact_id() IS NULL)
EXECUTE FUNCTION brama.refuse('a revocation is written by a transaction with an id');

-- What the order rests on is guarded: a number is given once, by `number_revocations`.

DROP TRIGGER revocations_are_numbered ON brama.revocations;
DROP FUNCTION brama.revocations_are_numbered();
CREATE TRIGGER revocations_are_numbered BEFORE INSERT ON brama.revocations
FOR EACH ROW WHEN (NEW.number IS NOT NULL)
EXECUTE FUNCTION brama.refuse('a revocation is inserted into brama.revoke, and numbered later');

DROP TRIGGER revocations_stay ON brama.revocations;
CREATE TRIGGER revocations_stay BEFORE TRUNCATE ON brama.revocations
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse('a revocation is not changed');
CREATE TRIGGER revocations_are_as_written BEFORE UPDATE ON brama.revocations
FOR EACH ROW WHEN (OLD.number IS NOT NULL OR NEW.number IS NULL OR
    (OLD.id, OLD.kind, OLD.subject, OLD.issued_before, OLD.expires_at, OLD.revoked_at) IS DISTINCT FROM
    (NEW.id, NEW.kind, NEW.subject, NEW.issued_before, NEW.expires_at, NEW.revoked_at))
EXECUTE FUNCTION brama.refuse('a revocation is not changed');
CREATE TRIGGER revocations_are_read BEFORE DELETE ON brama.revocations
FOR EACH ROW WHEN (OLD.number IS NULL)
EXECUTE FUNCTION brama.refuse('a revocation is numbered before it is removed');

-- A cutoff revokes what was issued before it, at once and however many those are; their rows are deleted afterwards, in batches.
-- Tokens and connections count with it: each has the number that was next when it was inserted.
CREATE SEQUENCE brama.issued;
GRANT USAGE ON SEQUENCE brama.issued TO PUBLIC;
ALTER TABLE mithril.tokens ADD COLUMN issued bigint NOT NULL DEFAULT 0;
ALTER TABLE mithril.tokens ALTER COLUMN issued SET DEFAULT nextval('brama.issued');
ALTER TABLE mithril.connections ADD COLUMN issued bigint NOT NULL DEFAULT 0;
ALTER TABLE mithril.connections ALTER COLUMN issued SET DEFAULT nextval('brama.issued');

CREATE TABLE brama.cutoffs (
    number        bigint PRIMARY KEY DEFAULT nextval('brama.issued'),
    kind          text COLLATE "C" NOT NULL CHECK (kind IN ('client', 'user', 'all')),
    -- The client's or the user's id; for all the nil UUID, so that one index finds what concerns a token.
    subject       uuid NOT NULL CHECK (kind <> 'all' OR subject = '00000000-0000-0000-0000-000000000000'),
    -- Unix seconds, of a user: tokens that were inserted before this. NULL: all of them.
    issued_before bigint CHECK (issued_before IS NULL OR kind = 'user'),
    made_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- That nothing of it was left.
    is_swept      boolean NOT NULL DEFAULT false
);

CREATE INDEX cutoffs_subject ON brama.cutoffs (subject);

CREATE TRIGGER cutoffs_stay BEFORE TRUNCATE ON brama.cutoffs
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse('a cutoff stays until its rows are gone');
CREATE TRIGGER cutoffs_are_swept BEFORE DELETE ON brama.cutoffs
FOR EACH ROW WHEN (NOT OLD.is_swept)
EXECUTE FUNCTION brama.refuse('a cutoff stays until its rows are gone');

-- The one entry of a cutoff says what these entries would say. A plan is made once in a session, perhaps while there is no cutoff,
-- and serves many: it uses the index.
CREATE OR REPLACE FUNCTION brama.connections_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT secret_hash FROM old_rows AS key WHERE NOT EXISTS (
            SELECT FROM brama.cutoffs
            WHERE subject IN (key.client_id, key.consumer_id) AND number > key.issued AND kind = 'client')));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION brama.tokens_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT value_hash FROM old_rows AS token
        WHERE name = 'access_token' AND expires_at > brama.unix_now() - 3600 AND NOT EXISTS (
            SELECT FROM brama.cutoffs
            WHERE subject IN (token.client_id, token.user_id, '00000000-0000-0000-0000-000000000000')
                AND number > token.issued
                AND CASE kind WHEN 'client' THEN subject = token.client_id WHEN 'user' THEN subject = token.user_id
                         ELSE true END
                AND (issued_before IS NULL OR floor(extract(epoch FROM token.inserted_at)) < issued_before))));
    RETURN NULL;
END $$;

-- A gateway knows an API key's client, and perhaps not its consumer; so the secrets of connections that a client only uses are
-- named one by one, or are so many that everything is asked for again.
CREATE OR REPLACE FUNCTION brama.end_clients(ids uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used text[];
BEGIN
    -- Who is inserting a connection of theirs is waited for, and seen by the next statement.
    PERFORM FROM mithril.clients WHERE id = ANY (ids) FOR UPDATE;
    used := ARRAY(
        SELECT secret_hash FROM mithril.connections WHERE consumer_id = ANY (ids) AND client_id <> consumer_id LIMIT 101);
    PERFORM brama.add_revocations('client', ids::text[], brama.unix_now() + 1);
    IF cardinality(used) > 100 THEN
        PERFORM brama.add_revocations('all', ARRAY[NULL]);
    ELSE
        PERFORM brama.add_revocations('credential', used);
    END IF;
END $$;

-- A cutoff brings its entry along.
CREATE FUNCTION brama.cut_off() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CASE NEW.kind
        WHEN 'client' THEN PERFORM brama.end_clients(ARRAY[NEW.subject]);
        WHEN 'user' THEN PERFORM brama.add_revocations(
            'user', ARRAY[NEW.subject::text], coalesce(NEW.issued_before, brama.unix_now() + 1));
        WHEN 'all' THEN PERFORM brama.add_revocations('all', ARRAY[NULL], brama.unix_now() + 1);
    END CASE;
    RETURN NULL;
END $$;

CREATE TRIGGER cut_off AFTER INSERT ON brama.cutoffs FOR EACH ROW EXECUTE FUNCTION brama.cut_off();

-- Before the cascades, which then write no entries of their own.
CREATE OR REPLACE FUNCTION brama.clients_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO brama.cutoffs (kind, subject) VALUES ('client', OLD.id);
    RETURN OLD;
END $$;

DROP TRIGGER brama_clients_deleted ON mithril.clients;
CREATE TRIGGER brama_clients_deleted BEFORE DELETE ON mithril.clients
FOR EACH ROW EXECUTE FUNCTION brama.clients_deleted();

ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_take_xid;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_are_numbered;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_stay;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_are_as_written;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_are_read;
ALTER TABLE brama.cutoffs ENABLE ALWAYS TRIGGER cut_off;
ALTER TABLE brama.cutoffs ENABLE ALWAYS TRIGGER cutoffs_stay;
ALTER TABLE brama.cutoffs ENABLE ALWAYS TRIGGER cutoffs_are_swept;
ALTER TABLE mithril.clients ENABLE ALWAYS TRIGGER brama_clients_deleted;
