-- A grant whose refresh was sent and not answered is looked into again and again: it must be found without reading all.

CREATE INDEX grants_suspect ON grants (id) WHERE state = 'suspect';
