//! Which processes on this store are alive. Each holds a lock on a file of its own beside the store for as long as it
//! runs; the kernel lets go of it when the process ends, however it ends. So a lease of a process that was killed need not be
//! waited out, while one that is only paused keeps its own.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::{Result, StoreError, Trouble};

/// How often making one's own file is tried: somebody who sweeps may take it for one that was left behind.
const ENTER_TRIES: u32 = 5;

/// The processes on one store.
pub(super) struct Nodes {
    store: PathBuf,
    /// Our own files, locked.
    ours: Mutex<Vec<(PathBuf, File)>>,
}

impl Nodes {
    pub(super) fn of(store: &Path) -> Self {
        Self { store: store.to_owned(), ours: Mutex::default() }
    }

    /// The file of a process: `vestibule.db-node_…` beside `vestibule.db`.
    fn file(&self, name: &str) -> PathBuf {
        let mut file = self.store.as_os_str().to_owned();
        file.push("-");
        file.push(name);
        PathBuf::from(file)
    }

    /// Makes and locks the file of this process, until it ends.
    pub(super) fn enter(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        for _ in 0..ENTER_TRIES {
            let locked = lock_new(&path).map_err(|error| {
                let path = path.display();
                let why = format!("the file {path} cannot be made and locked: {error}");
                StoreError::Unavailable(Trouble::Failing, why)
            })?;
            if let Some(file) = locked {
                self.ours.lock().unwrap_or_else(PoisonError::into_inner).push((path, file));
                return Ok(());
            }
        }
        let why = format!("the file {} is locked by somebody else", path.display());
        Err(StoreError::Unavailable(Trouble::Locked, why))
    }

    /// Removes the files of processes that were killed.
    pub(super) fn sweep(&self) {
        let (Some(folder), Some(store)) = (self.store.parent(), self.store.file_name()) else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let prefix = format!("{}-", store.to_string_lossy());
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if let Some(node) =
                name.to_string_lossy().strip_prefix(&prefix).filter(|it| it.starts_with("node_"))
            {
                self.is_gone(node);
            }
        }
    }

    /// Whether the process of this name has ended for certain. What cannot be told counts as alive.
    pub(super) fn is_gone(&self, name: &str) -> bool {
        // A name from the store must not lead out of its folder.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return false;
        }
        let path = self.file(name);
        match OpenOptions::new().write(true).open(&path) {
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
            Ok(file) => match file.try_lock() {
                Ok(()) => {
                    let _best_effort = std::fs::remove_file(&path);
                    true
                }
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
            },
        }
    }
}

/// A new file, locked; `None` if somebody swept it away before it was locked.
fn lock_new(path: &Path) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let still_there =
        std::fs::metadata(path).is_ok_and(|found| file.metadata().is_ok_and(|own| own.ino() == found.ino()));
    Ok(still_there.then_some(file))
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for (path, _locked) in self.ours.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _best_effort = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_gone_when_its_lock_is_and_a_name_cannot_lead_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("vestibule.db");
        let (ours, other) = (Nodes::of(&store), Nodes::of(&store));
        ours.enter("node_1").unwrap();
        assert!(!other.is_gone("node_1") && !ours.is_gone("node_1"), "it runs");
        // Killed: the file is left behind, unlocked.
        ours.ours.lock().unwrap().clear();
        assert!(other.is_gone("node_1"));
        assert!(other.is_gone("node_1"), "its file is removed now");
        other.enter("node_2").unwrap();
        drop(other);
        assert!(ours.is_gone("node_2"), "it ended as it should");
        assert!(!ours.is_gone("../node_1"));
        ours.enter("node_3").unwrap();
        std::fs::write(folder.path().join("vestibule.db-node_4"), "").unwrap();
        ours.sweep();
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["vestibule.db-node_3"]);
    }
}
