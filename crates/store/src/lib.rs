//! What Vestibule remembers: the Store trait and its SQLite implementation.
