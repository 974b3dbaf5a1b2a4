//! Time and identifiers: the two things that differ from run to run, kept in one place so that a test can fix both.

#![expect(clippy::disallowed_methods, reason = "the emulator's only clock")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::content::ids::Marker;

/// The emulator's clock: the wall's, or moved by hand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) enum Clock {
    /// The machine's time.
    #[default]
    Wall,
    /// A time that only a test moves.
    Manual(Timestamp),
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::now(),
            Self::Manual(at) => *at,
        }
    }
}

/// Rounded down to the minute, as Notion has most of its times.
pub(crate) fn whole_minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// Identifiers from a seed and a counter: the same calls give the same ids in every run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ids {
    seed: u64,
    made: u64,
    /// Ids that a seed file gives to what is made next.
    #[serde(skip)]
    pub(crate) next: Vec<(Marker, Uuid)>,
}

impl Ids {
    /// Ids of another series.
    pub(crate) fn series(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The id that a seed file gives to the next thing of this kind.
    pub(crate) fn given(&mut self, marker: Marker) -> Option<Uuid> {
        let place = self.next.iter().position(|(of, _)| *of == marker)?;
        Some(self.next.remove(place).1)
    }

    /// A uuid that looks random (version 4) and is not: nobody may take it for a secret.
    pub(crate) fn uuid(&mut self) -> Uuid {
        self.made += 1;
        let high = mix(self.seed ^ self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let low = mix(high ^ self.made);
        uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes()).into_uuid()
    }
}

/// The finaliser of splitmix64: spreads a counter over all bits.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
