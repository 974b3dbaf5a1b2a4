//! The form of Notion's ids. Content made lately has ids of version 8: days since 2024, bits of the workspace, whether an
//! integration made it, and for some kinds a marker at the start of the last group. Nobody may rely on it; it is copied so
//! that logs look familiar. Source: recorded answers of October 2025 and July 2026.

use jiff::Timestamp;
use uuid::Uuid;

/// What an id belongs to, where that shows in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Pages and blocks have none.
    Plain,
    DataSource,
    View,
    Discussion,
    Comment,
    FileUpload,
}

impl Marker {
    fn bits(self) -> Option<u128> {
        match self {
            Self::Plain => None,
            Self::DataSource => Some(0x000b),
            Self::View => Some(0x000c),
            Self::Discussion => Some(0x001c),
            Self::Comment => Some(0x001d),
            Self::FileUpload => Some(0x00b2),
        }
    }
}

/// 2024-01-01T00:00:00Z in seconds: the day that ids count from.
const FIRST_DAY: i64 = 1_704_067_200;

/// Gives `random` Notion's form, as something that an integration made in `workspace` at `at`.
pub(crate) fn stamped(random: Uuid, workspace: Uuid, at: Timestamp, marker: Marker) -> Uuid {
    let days = u128::try_from((at.as_second() - FIRST_DAY).max(0) / 86_400).unwrap_or(0) & 0xfff;
    let workspace = workspace.as_u128() & 0xf_ffff_ffff;
    let mut bits = random.as_u128();
    bits &= u128::MAX >> 56;
    bits |= days << 116 | workspace << 80 | 0x81 << 72;
    bits = bits & !(0b11 << 62) | 0b10 << 62;
    if let Some(marker) = marker.bits() {
        bits = bits & !(0xffff << 32) | marker << 32;
    }
    Uuid::from_u128(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_the_day_the_maker_and_the_kind() {
        let random = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
        let workspace = Uuid::from_u128(0xa_bc1e_edcd);
        let at = "2026-07-04T09:13:00Z".parse().expect("a time");
        let id = stamped(random, workspace, at, Marker::Comment).to_string();
        assert!(id.starts_with("393abc1e-edcd-81"), "{id}");
        assert_eq!(&id[24..28], "001d");
        assert_eq!(stamped(random, workspace, at, Marker::Plain).get_variant(), uuid::Variant::RFC4122);
    }
}
