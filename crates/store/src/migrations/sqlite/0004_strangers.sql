-- A callback from another browser is written down once an attempt: whoever knows a state could otherwise write for ever.

ALTER TABLE attempts ADD COLUMN stranger_at INTEGER;
