-- A waiting pair that its grant took over: the grant goes on with it and spends it, so whoever redeems it later joins the grant.
ALTER TABLE candidates ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
