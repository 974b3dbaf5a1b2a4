-- A revocation that is on its way to Notion ends whatever a consent's exchange brings while it is: so the two take turns, and each
-- process sees the others' here. One whose process ended is over when its time is.
CREATE TABLE revocations (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_exchanging ON attempts (client_id, consumed_at) WHERE outcome = 'exchanging';
