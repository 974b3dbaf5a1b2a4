//! The demo's folder: a temporary one, or a named one that only a demo ever used. Nobody else's files are touched.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

/// Marks a folder as a demo's own, which the next demo may empty. A running demo holds a lock on it.
const MARKER: &str = ".vestibule-demo";
/// What scripts read: only there while the demo runs.
pub(super) const FACTS: &str = "demo.json";
/// All that a demo writes. Anything else in its folder is not its own.
const OWN: [&str; 6] =
    [MARKER, FACTS, "demo.json.new", "vestibule.db", "vestibule.db-wal", "vestibule.db-shm"];

/// A folder to work in.
pub(super) enum Folder {
    /// Gone when the demo ends.
    Temporary(TempDir),
    /// With the marker, locked as long as the demo runs.
    Named { path: PathBuf, _lock: File },
}

impl Folder {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Named { path, .. } => path,
        }
    }

    /// Takes back what is true only while the demo runs.
    pub(super) fn leave(self) -> anyhow::Result<()> {
        let facts = self.path().join(FACTS);
        match fs::remove_file(&facts) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", facts.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Makes the folder, or empties one that an earlier demo left; any other folder with something in it is refused.
pub(super) fn prepare(named: Option<&Path>) -> anyhow::Result<Folder> {
    let Some(path) = named else {
        let folder = tempfile::Builder::new()
            .prefix("vestibule-demo-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        return Ok(Folder::Temporary(folder));
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .with_context(|| format!("cannot make {}", path.display()))?;
        }
        Err(error) => return Err(error).with_context(|| format!("cannot look at {}", path.display())),
        Ok(meta) if meta.is_dir() => refuse_others(path)?,
        Ok(meta) if meta.is_symlink() => bail!(
            "--data-dir {}: it is a symbolic link, and a demo empties its folder: name the folder itself",
            path.display()
        ),
        Ok(_) => bail!("--data-dir {}: it is not a folder", path.display()),
    }
    let marker = lock(path)?;
    empty(path)?;
    // Absolute, so that what is printed can be used from anywhere.
    let path = path.canonicalize().with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(Folder::Named { path, _lock: marker })
}

/// Makes the marker, or takes the one that is there, for as long as the demo runs.
fn lock(path: &Path) -> anyhow::Result<File> {
    let file = path.join(MARKER);
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
    let mut marker = open.with_context(|| format!("cannot write {}", file.display()))?;
    match marker.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            bail!(
                "--data-dir {}: a demo is running in it; stop that one or name another folder",
                path.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", file.display()));
        }
    }
    marker.write_all(b"A demo's folder: the next demo empties it.\n")?;
    Ok(marker)
}

fn names_in(path: &Path) -> anyhow::Result<Vec<std::ffi::OsString>> {
    let entries = fs::read_dir(path).with_context(|| format!("cannot look into {}", path.display()))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?)
}

/// Refuses a folder with anything in it that a demo did not write.
fn refuse_others(path: &Path) -> anyhow::Result<()> {
    let names = names_in(path)?;
    if names.is_empty() {
        return Ok(());
    }
    let marked = fs::symlink_metadata(path.join(MARKER)).is_ok_and(|meta| meta.is_file());
    let not_ours = |name: &&std::ffi::OsString| !marked || !OWN.iter().any(|own| name.as_os_str() == *own);
    if let Some(name) = names.iter().find(not_ours) {
        bail!(
            "--data-dir {}: it holds {} and is not a demo's own folder; name a new or empty one",
            path.display(),
            name.display()
        );
    }
    Ok(())
}

/// Removes what an earlier demo wrote.
fn empty(path: &Path) -> anyhow::Result<()> {
    for name in names_in(path)?.into_iter().filter(|name| name != MARKER) {
        let file = path.join(name);
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}

/// Writes a file for its owner only; whoever reads it sees all of it or none.
pub(super) fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_added_extension("new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_else_is_refused_and_left_alone() {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("thesis.txt"), "years of work").expect("a file");
        assert!(prepare(Some(folder.path())).is_err());
        assert_eq!(
            fs::read_to_string(folder.path().join("thesis.txt")).expect("still there"),
            "years of work"
        );
    }

    #[test]
    fn a_demos_own_folder_is_emptied_unless_something_else_was_put_there() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("demo");
        drop(prepare(Some(&path)).expect("a new folder"));
        fs::write(path.join("vestibule.db"), "old").expect("a file");
        drop(prepare(Some(&path)).expect("its own folder"));
        assert!(!path.join("vestibule.db").exists());
        fs::write(path.join("notes.txt"), "mine").expect("a file");
        assert!(prepare(Some(&path)).is_err());
        assert!(path.join("notes.txt").exists());
    }

    #[test]
    fn the_folder_of_a_running_demo_is_refused_and_left_alone() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("demo");
        let running = prepare(Some(&path)).expect("a new folder");
        fs::write(path.join(FACTS), "{}").expect("a file");
        let refused = prepare(Some(&path)).err().expect("it is in use").to_string();
        assert!(refused.contains("a demo is running in it"), "{refused}");
        assert!(path.join(FACTS).exists());
        running.leave().expect("it stops");
        assert!(!path.join(FACTS).exists());
        prepare(Some(&path)).expect("free again");
    }
}
