-- The feed of revocations: what was revoked, in the order of commits, for gateways that remember facts.
--
-- Entries are written by triggers, so that cascades and hands in SQL count too, in the transaction of the change. An
-- entry's number comes from the head's one row, which that transaction updates: who updates it second waits for the
-- first to commit, so the order of numbers is the order of commits, and a reader at number N has missed nothing below.
-- (A sequence would not do: it gives numbers to transactions that commit in another order.)
--
-- An entry with neither `issued_before` nor `expires_at` says: facts about this changed or ended, ask again. With one
-- of them it also refuses JWTs, which nobody asks about.

-- The row is written often, and one that finds room in its page needs no new entries in the index.
CREATE TABLE brama.revocation_head (
    id      integer PRIMARY KEY CHECK (id = 1),
    -- Made with the database. After a restore from a backup it has to be changed: numbers are given a second time then.
    feed_id uuid NOT NULL,
    number  bigint NOT NULL CHECK (number >= 0),
    -- The highest number whose entry is gone. A reader behind it may have missed something.
    pruned  bigint NOT NULL CHECK (pruned >= 0)
) WITH (fillfactor = 10);

INSERT INTO brama.revocation_head (id, feed_id, number, pruned) VALUES (1, gen_random_uuid(), 0, 0);

CREATE TABLE brama.revocations (
    number        bigint PRIMARY KEY,
    kind          text COLLATE "C" NOT NULL CHECK (kind IN ('credential', 'jti', 'client', 'user', 'all')),
    -- The credential's SHA-256, the `jti`, the client's or the user's id; NULL for all.
    subject       text COLLATE "C" CHECK (CASE kind
                      WHEN 'all' THEN subject IS NULL
                      WHEN 'credential' THEN subject ~ '^[0-9a-f]{64}$'
                      ELSE length(subject) BETWEEN 1 AND 512
                  END IS TRUE),
    -- Unix seconds: JWTs of the client, of the user, or all, that were issued before this are refused.
    issued_before bigint CHECK (issued_before IS NULL OR kind IN ('client', 'user', 'all')),
    -- Unix seconds: the `exp` of the JWT that this credential or `jti` is of.
    expires_at    bigint CHECK (expires_at IS NULL OR kind IN ('credential', 'jti')),
    revoked_at    bigint NOT NULL, -- Unix seconds
    CHECK (kind <> 'jti' OR expires_at IS NOT NULL)
);

-- The deny list for JWTs, a small part of the feed.
CREATE INDEX revocations_denied ON brama.revocations (number)
WHERE issued_before IS NOT NULL OR expires_at IS NOT NULL;

CREATE INDEX revocations_denied_subject ON brama.revocations (subject, kind) WHERE expires_at IS NOT NULL;

-- For triggers: an entry for each subject. The head is written once for all of them, since each of a transaction's
-- versions of a row is passed on the way to the next one.
CREATE FUNCTION brama.add_revocations(kind text, subjects text[], issued_before bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    amount bigint := cardinality(subjects);
    last_number bigint;
BEGIN
    IF amount = 0 THEN
        RETURN;
    END IF;
    UPDATE brama.revocation_head SET number = number + amount RETURNING number INTO STRICT last_number;
    INSERT INTO brama.revocations (number, kind, subject, issued_before, revoked_at)
    SELECT last_number - amount + place, add_revocations.kind, subject, add_revocations.issued_before, brama.unix_now()
    FROM unnest(subjects) WITH ORDINALITY AS list (subject, place);
END $$;

-- For the service and hands: the one way to write an entry.
CREATE VIEW brama.revoke AS SELECT kind, subject, issued_before, expires_at FROM brama.revocations;

CREATE FUNCTION brama.revoke_insert() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    next_number bigint;
BEGIN
    UPDATE brama.revocation_head SET number = number + 1 RETURNING number INTO STRICT next_number;
    INSERT INTO brama.revocations (number, kind, subject, issued_before, expires_at, revoked_at)
    VALUES (next_number, NEW.kind, NEW.subject, NEW.issued_before, NEW.expires_at, brama.unix_now());
    RETURN NEW;
END $$;

CREATE TRIGGER revoke_insert INSTEAD OF INSERT ON brama.revoke
FOR EACH ROW EXECUTE FUNCTION brama.revoke_insert();

-- What the order rests on is guarded.

CREATE FUNCTION brama.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END $$;

CREATE TRIGGER revocation_head_stays BEFORE DELETE OR TRUNCATE ON brama.revocation_head
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse('the head of the feed stays');

CREATE TRIGGER revocation_head_is_one BEFORE INSERT ON brama.revocation_head
FOR EACH ROW EXECUTE FUNCTION brama.refuse('the feed has one head');

CREATE TRIGGER revocation_head_goes_forward BEFORE UPDATE ON brama.revocation_head
FOR EACH ROW WHEN (NEW.number < OLD.number OR NEW.pruned < OLD.pruned)
EXECUTE FUNCTION brama.refuse('the head of the feed only goes forward');

-- What one statement inserts has the numbers that end at the head, each of them for the first time.
CREATE FUNCTION brama.revocations_are_numbered() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT count(*) AS amount, min(number) AS first, max(number) AS last FROM new_rows) AS inserted
        CROSS JOIN brama.revocation_head AS head
        WHERE amount > 0 AND (last <> head.number OR first <> last - amount + 1 OR first <= head.pruned)
    ) THEN
        RAISE EXCEPTION 'a revocation is inserted into brama.revoke, which numbers it';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER revocations_are_numbered AFTER INSERT ON brama.revocations
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.revocations_are_numbered();

CREATE TRIGGER revocations_stay BEFORE UPDATE OR TRUNCATE ON brama.revocations
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse('a revocation is not changed');

CREATE FUNCTION brama.revocations_pruned() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE brama.revocation_head SET pruned = gone.last
    FROM (SELECT max(number) AS last FROM old_rows) AS gone
    WHERE gone.last > pruned;
    RETURN NULL;
END $$;

CREATE TRIGGER revocations_pruned AFTER DELETE ON brama.revocations
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.revocations_pruned();

ALTER TABLE brama.revocation_head ENABLE ALWAYS TRIGGER revocation_head_stays;
ALTER TABLE brama.revocation_head ENABLE ALWAYS TRIGGER revocation_head_is_one;
ALTER TABLE brama.revocation_head ENABLE ALWAYS TRIGGER revocation_head_goes_forward;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_are_numbered;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_stay;
ALTER TABLE brama.revocations ENABLE ALWAYS TRIGGER revocations_pruned;
