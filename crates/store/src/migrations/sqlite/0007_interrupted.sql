-- A refresh that was begun and never ended is looked for at every start and every second: it must be found without reading all.
CREATE INDEX refresh_attempts_open ON refresh_attempts (grant_id) WHERE coalesce(outcome, 'died') = 'died';
