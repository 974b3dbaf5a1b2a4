//! The store's file as the file system has it: one ordinary file of ours under one name, its owner's alone, still where it
//! was, with room beside it. Nothing is changed through a link, and no file is narrowed that is not a store.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::{Result, StoreError, Trouble};

/// With less room than this beside the store, in bytes, it counts as full: the log alone may need as much at any time.
const ROOM_MIN: u64 = 1024 * 1024;
/// How every `SQLite` file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The file, held open so that another one in its place is noticed. Closing it would let go of `SQLite`'s own locks, so it
/// outlives the threads.
pub(super) struct StoreFile {
    path: PathBuf,
    file: File,
    /// There is a log beside it, of another process that has the store open, of a crash, or of a copy.
    pub(super) has_log: bool,
    /// A log was left behind by a crash, or came with a copy, and no index of it: nobody has it open.
    pub(super) log_without_index: bool,
}

impl StoreFile {
    /// Makes the file for its owner alone, or takes the one that is there if it can be a store.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        check_folder(folder)?;
        let there = look(path)?;
        let log = look(&beside(path, "-wal"))?.map_or(0, |meta| meta.len());
        let index = look(&beside(path, "-shm"))?;
        look(&beside(path, "-journal"))?;
        match &there {
            None => no_namesake(path, folder)?,
            Some(meta) if meta.nlink() > 1 => {
                let why = "it has a second name (a hard link), and each name would have a log of its own: copy it to a file of its own";
                return Err(refused(path, why));
            }
            Some(_) => {}
        }
        if log > 0 && there.as_ref().is_none_or(|meta| meta.len() == 0) {
            let why = "it is missing or empty, and a log (-wal) of a store is beside it: put the file back that belongs to the log, or move the log away";
            return Err(refused(path, why));
        }
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(|error| cannot_open(path, &error))?;
        let found = file.metadata().map_err(|error| cannot_open(path, &error))?;
        if there.is_some_and(|meta| !same(&meta, &found)) {
            return Err(refused(path, "another file was put in its place just now"));
        }
        let opened = Self {
            path: path.to_owned(),
            file,
            has_log: log > 0,
            log_without_index: log > 0 && index.is_none(),
        };
        if found.len() > 0 {
            opened.begins_as_database()?;
        }
        Ok(opened)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn begins_as_database(&self) -> Result<()> {
        let mut head = [0; 16];
        let read = (&self.file).read_exact(&mut head);
        if read.is_ok() && head == *MAGIC {
            Ok(())
        } else {
            Err(refused(&self.path, "it is no store of ours"))
        }
    }

    /// Leaves the file and its companions to their owner alone. Called once it is known to be a store.
    pub(super) fn narrow(&self) -> Result<()> {
        let owner_only = || Permissions::from_mode(0o600);
        self.file.set_permissions(owner_only()).map_err(|error| cannot_open(&self.path, &error))?;
        for ending in ["-wal", "-shm"] {
            let companion = beside(&self.path, ending);
            if look(&companion)?.is_some_and(|meta| meta.mode() & 0o077 != 0) {
                std::fs::set_permissions(&companion, owner_only())
                    .map_err(|error| cannot_open(&companion, &error))?;
            }
        }
        Ok(())
    }

    /// Whether the file is still the one under its name. What is written to a deleted file is gone when the process ends.
    pub(super) fn still_there(&self) -> Result<()> {
        let ours = self.file.metadata();
        match (std::fs::symlink_metadata(&self.path), ours) {
            (Ok(there), Ok(ours)) if same(&there, &ours) => Ok(()),
            _ => {
                let why =
                    format!("{}: it was deleted, moved or replaced while it was in use", self.path.display());
                Err(StoreError::Unavailable(Trouble::Moved, why))
            }
        }
    }

    /// Whether there is room beside it.
    pub(super) fn room(&self) -> Result<()> {
        // What cannot be asked is left to the write that follows.
        let Ok(stat) = rustix::fs::fstatvfs(&self.file) else { return Ok(()) };
        if stat.f_bavail.saturating_mul(stat.f_frsize) >= ROOM_MIN {
            return Ok(());
        }
        let why =
            format!("less than {} KiB of room are left beside {}", ROOM_MIN / 1024, self.path.display());
        Err(StoreError::Unavailable(Trouble::Full, why))
    }

    /// Whether no other server holds the file; if so this process holds it until it ends.
    pub(super) fn hold(&self) -> bool {
        !matches!(self.file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
    }
}

/// What is under this name, which must be an ordinary file if there is anything.
fn look(path: &Path) -> Result<Option<Metadata>> {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_open(path, &error)),
    };
    if meta.is_symlink() {
        let to = std::fs::read_link(path).map(|to| format!(" to {}", to.display())).unwrap_or_default();
        return Err(refused(path, &format!("it is a symbolic link{to}: name the file itself")));
    }
    if meta.is_dir() {
        return Err(refused(path, "it is a folder: name a file in it"));
    }
    if !meta.is_file() {
        return Err(refused(path, "it is no ordinary file"));
    }
    Ok(Some(meta))
}

/// Makes the folder if it is missing. In one that everybody may write to, anybody could put another file in the store's place.
fn check_folder(folder: &Path) -> Result<()> {
    if folder.is_symlink() && !folder.exists() {
        return Err(refused(folder, "it is a symbolic link to nothing"));
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let meta = made.and_then(|()| std::fs::metadata(folder)).map_err(|error| cannot_open(folder, &error))?;
    if meta.permissions().mode() & 0o002 != 0 {
        let why = format!(
            "everybody may write to this folder: `chmod 700 {}`, or choose another",
            folder.display()
        );
        return Err(refused(folder, &why));
    }
    Ok(())
}

/// A new store is not begun beside one whose name differs in capitals alone: somebody mistyped.
fn no_namesake(path: &Path, folder: &Path) -> Result<()> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let entries = std::fs::read_dir(folder).map_err(|error| cannot_open(folder, &error))?;
    for other in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        if other != name && other.eq_ignore_ascii_case(name) {
            return Err(refused(
                path,
                &format!("there is no such file, but {other} is beside it: was that meant?"),
            ));
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    one.dev() == other.dev() && one.ino() == other.ino()
}

fn refused(path: &Path, why: &str) -> StoreError {
    StoreError::Unavailable(Trouble::Failing, format!("{}: {why}", path.display()))
}

fn cannot_open(path: &Path, error: &std::io::Error) -> StoreError {
    let trouble = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Trouble::ReadOnly,
        _ => Trouble::Failing,
    };
    StoreError::Unavailable(trouble, format!("{}: {error}", path.display()))
}
