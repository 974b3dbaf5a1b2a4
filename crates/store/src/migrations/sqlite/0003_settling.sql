-- A revocation that Notion did not take waits before it is tried again, so that it does not stand in the others' way.

ALTER TABLE grants ADD COLUMN revoke_after INTEGER NOT NULL DEFAULT 0;
DROP INDEX grants_unrevoked;
CREATE INDEX grants_unrevoked ON grants (revoke_after, id) WHERE state = 'tombstone' AND data_key_wrapped IS NOT NULL;
CREATE INDEX candidates_due ON candidates (expires_at) WHERE connection_id IS NULL;
