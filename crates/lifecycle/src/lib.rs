//! What becomes of a grant: states, events, decisions; pure.
