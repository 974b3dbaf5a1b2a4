-- Events are read in the order in which they were committed: an id is made before the commit, so one that sorts earlier may
-- come later, and a reader who went by ids would skip it.

CREATE TABLE events_in_order (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    connection_id TEXT,
    attempt_id TEXT,
    note TEXT
) STRICT;
INSERT INTO events_in_order (id, client_id, at, kind, connection_id, attempt_id, note)
    SELECT id, client_id, at, kind, connection_id, attempt_id, note FROM events ORDER BY id;
DROP TABLE events;
ALTER TABLE events_in_order RENAME TO events;
CREATE INDEX events_by_client ON events (client_id, seq);
