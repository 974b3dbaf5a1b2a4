-- What changed of what is remembered between calls, by id, so that whoever remembers forgets just that. One number that every
-- write raised made all of it unread at each. Triggers write it, so that no statement can forget to.

CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL
) STRICT;

CREATE TRIGGER key_ended AFTER UPDATE ON api_keys BEGIN
    INSERT INTO changes (kind, id) VALUES ('key', OLD.id);
END;
CREATE TRIGGER key_deleted AFTER DELETE ON api_keys BEGIN
    INSERT INTO changes (kind, id) VALUES ('key', OLD.id);
END;
-- That a connection was used changes nothing that is remembered.
CREATE TRIGGER connection_changed
    AFTER UPDATE OF id, client_id, end_user, grant_id, stage, notion_shaped, disconnected_at ON connections BEGIN
    INSERT INTO changes (kind, id) VALUES ('connection', OLD.client_id || '/' || OLD.id);
END;
CREATE TRIGGER connection_deleted AFTER DELETE ON connections BEGIN
    INSERT INTO changes (kind, id) VALUES ('connection', OLD.client_id || '/' || OLD.id);
END;
-- A grant's state shows through its connections. That its lease was taken changes nothing.
CREATE TRIGGER grant_changed
    AFTER UPDATE OF generation, state, data_key_wrapped, access_token_sealed, refresh_token_sealed ON grants BEGIN
    INSERT INTO changes (kind, id) VALUES ('grant', OLD.id);
    INSERT INTO changes (kind, id) SELECT 'connection', client_id || '/' || id FROM connections WHERE grant_id = OLD.id;
END;
CREATE TRIGGER grant_deleted AFTER DELETE ON grants BEGIN
    INSERT INTO changes (kind, id) VALUES ('grant', OLD.id);
    INSERT INTO changes (kind, id) SELECT 'connection', client_id || '/' || id FROM connections WHERE grant_id = OLD.id;
END;

-- Written to when the store is asked whether it can be: no other statement touches it.
DROP TABLE meta;
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    asked INTEGER NOT NULL
) STRICT;
INSERT INTO probe (id, asked) VALUES (1, 0);
