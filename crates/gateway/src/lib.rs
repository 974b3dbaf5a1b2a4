//! Vestibule as a library: both doors, the vault and the proxy.
