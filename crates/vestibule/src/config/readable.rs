//! Who can read a file with a secret. Its owner alone is what we ask for. Secrets that Kubernetes, Docker and systemd mount
//! come otherwise, and nobody in the container can change them: they are taken as they are.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// Who can read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readable {
    /// Its owner.
    ByOwner,
    /// Others too, but it was put there for this program: nobody here can change that.
    Mounted,
    /// Others too.
    ByOthers,
}

/// Who can read this file. Links are followed, as mounted secrets lie behind some.
pub(super) fn readable(path: &Path) -> Readable {
    let Ok(meta) = std::fs::metadata(path) else { return Readable::ByOthers };
    let on_read_only = statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
    judge(meta.mode() & 0o777, meta.uid(), on_read_only)
}

fn judge(mode: u32, owner: u32, on_read_only: bool) -> Readable {
    let of_root = owner == 0;
    // Nobody may write it (0440, 0444), as secrets are mounted; or only a group of root's choosing may read it (0640).
    let put_there = of_root && (mode & 0o222 == 0 || mode & 0o027 == 0);
    if mode.trailing_zeros() >= 6 {
        Readable::ByOwner
    } else if mode & 0o022 == 0 && (put_there || on_read_only) {
        Readable::Mounted
    } else {
        Readable::ByOthers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mounted_for_us_is_taken_and_what_was_left_open_is_not() {
        use Readable::{ByOthers, ByOwner, Mounted};
        for (mode, owner, on_read_only, expected) in [
            (0o600, 1000, false, ByOwner),
            (0o400, 0, false, ByOwner),
            // Kubernetes with fsGroup; Docker's swarm; Kubernetes by default, on a mount that is read-only.
            (0o440, 0, false, Mounted),
            (0o444, 0, false, Mounted),
            (0o644, 0, true, Mounted),
            (0o644, 1000, true, Mounted),
            (0o640, 0, false, Mounted),
            (0o644, 0, false, ByOthers),
            (0o640, 1000, false, ByOthers),
            (0o444, 1000, false, ByOthers),
            (0o660, 0, false, ByOthers),
            (0o666, 0, true, ByOthers),
        ] {
            assert_eq!(judge(mode, owner, on_read_only), expected, "{mode:o} of {owner}, {on_read_only}");
        }
    }
}
