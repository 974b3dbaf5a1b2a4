-- Which process exchanges an attempt's code: when it has ended, nothing comes of that any more.
ALTER TABLE attempts ADD COLUMN exchanging_by TEXT;
