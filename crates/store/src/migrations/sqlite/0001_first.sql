-- The first schema. Times are milliseconds since 1970 in UTC; hashes and sealed values are BLOBs.

CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO meta (id, revision) VALUES (1, 1);

CREATE TABLE keyring (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    current_epoch INTEGER NOT NULL,
    lookup_wrapped BLOB NOT NULL
) STRICT;
CREATE TABLE keyring_epochs (
    epoch INTEGER PRIMARY KEY,
    key_wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE connect_sessions (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    end_user TEXT NOT NULL,
    return_url TEXT NOT NULL,
    reconnect TEXT,
    token_sha256 BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER
) STRICT;

CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    -- The session door's four columns, or the Notion-shaped door's; redirect_uri tells which.
    connect_session_id TEXT,
    end_user TEXT,
    return_url TEXT NOT NULL,
    reconnect TEXT,
    notion_shaped INTEGER NOT NULL,
    code_challenge TEXT,
    app_state_sealed BLOB,
    data_key_wrapped BLOB,
    outcome TEXT NOT NULL,
    state_sha256 BLOB NOT NULL UNIQUE,
    cookie_sha256 BLOB NOT NULL,
    notion_redirect_uri TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    connection_id TEXT
) STRICT;
CREATE INDEX attempts_by_client ON attempts (client_id, id);
CREATE INDEX attempts_by_session ON attempts (connect_session_id);
CREATE INDEX attempts_by_cookie ON attempts (cookie_sha256);
CREATE INDEX attempts_by_connection ON attempts (connection_id);

CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    attempt_id TEXT NOT NULL,
    step TEXT NOT NULL
) STRICT;
CREATE INDEX steps_by_attempt ON steps (attempt_id, id);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    bot_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workspace_name TEXT,
    workspace_icon TEXT,
    owner_id TEXT NOT NULL,
    owner_name TEXT,
    owner_email TEXT,
    duplicated_template_id TEXT,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    data_key_wrapped BLOB,
    access_token_sealed BLOB,
    refresh_token_sealed BLOB,
    issued_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    lease_holder TEXT,
    lease_generation INTEGER,
    lease_epoch INTEGER NOT NULL DEFAULT 0,
    lease_expires_at INTEGER
) STRICT;
-- One live row an authorization; a tombstone is never revived, a later consent makes a new row.
CREATE UNIQUE INDEX grants_live ON grants (client_id, bot_id, owner_id) WHERE state <> 'tombstone';
CREATE INDEX grants_unrevoked ON grants (id) WHERE state = 'tombstone' AND data_key_wrapped IS NOT NULL;

CREATE TABLE refresh_attempts (
    grant_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    holder TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    outcome TEXT,
    PRIMARY KEY (grant_id, epoch)
) STRICT;

CREATE TABLE candidates (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    connection_id TEXT,
    attempt_id TEXT,
    bot_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    workspace_name TEXT,
    workspace_icon TEXT,
    owner_id TEXT NOT NULL,
    owner_name TEXT,
    owner_email TEXT,
    duplicated_template_id TEXT,
    data_key_wrapped BLOB NOT NULL,
    access_token_sealed BLOB NOT NULL,
    refresh_token_sealed BLOB,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX candidates_by_identity ON candidates (client_id, bot_id, owner_id);
CREATE INDEX candidates_by_connection ON candidates (connection_id);

CREATE TABLE connections (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    end_user TEXT,
    grant_id TEXT,
    stage TEXT NOT NULL,
    notion_shaped INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    disconnected_at INTEGER
) STRICT;
CREATE INDEX connections_by_client ON connections (client_id, id);
CREATE INDEX connections_by_grant ON connections (grant_id);

CREATE TABLE codes (
    code_sha256 BLOB PRIMARY KEY,
    client_id TEXT NOT NULL,
    attempt_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    -- NULL: unspent; 'redeemed' with who and what; 'refused'.
    spent TEXT,
    spent_key_id TEXT,
    spent_connection_id TEXT
) STRICT;
CREATE INDEX codes_unspent ON codes (expires_at) WHERE spent IS NULL;
CREATE INDEX codes_by_connection ON codes (connection_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    client_id TEXT NOT NULL,
    connection_id TEXT,
    label TEXT NOT NULL,
    secret_hmac BLOB NOT NULL,
    refresh_hmac BLOB,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_connection ON api_keys (client_id, connection_id, id);

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    connection_id TEXT,
    attempt_id TEXT,
    note TEXT
) STRICT;
CREATE INDEX events_by_client ON events (client_id, id);
