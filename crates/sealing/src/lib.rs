//! Secrets at rest: Keyring, Secret<T>, Sealed<T>.
