//! The switches of the emulator as flags: what nobody outside Notion knows, decided one way or the other.

use clap::ValueEnum;
use notion_emulator::{Basic, OldPair, Reauthorize, Refresh, Switches};

/// One flag for each switch, over a preset.
#[derive(Debug, clap::Args)]
pub(super) struct SwitchArgs {
    /// How tokens live and die: `hostile` is the worst that may be, `documented` the mild reading
    #[arg(long, value_enum, default_value_t = Preset::Hostile)]
    preset: Preset,
    /// What becomes of a refresh token that was used
    #[arg(long, value_enum)]
    refresh: Option<RefreshFlag>,
    /// What becomes of the access token that a refresh replaces
    #[arg(long, value_enum)]
    old_access: Option<OldFlag>,
    /// What a second consent gives
    #[arg(long, value_enum)]
    reauthorize: Option<ReauthorizeFlag>,
    /// What becomes of the older pair when a second consent gives a fresh one
    #[arg(long, value_enum)]
    older_pair: Option<OldFlag>,
    /// How long an access token lives; without it until something ends it
    #[arg(long, value_name = "SECONDS")]
    access_seconds: Option<u32>,
    /// What is decoded of the client id and secret in HTTP Basic, which strict OAuth libraries encode
    #[arg(long, value_enum)]
    basic: Option<BasicFlag>,
    /// How far search is behind direct reads
    #[arg(long, value_name = "SECONDS")]
    search_lag_seconds: Option<u32>,
    /// How many polls of an async task find it unfinished
    #[arg(long, value_name = "NUMBER")]
    async_polls: Option<u32>,
    /// Refuse filters by formulas that were written through the API, as was recorded
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    refuse_formula_filters: Option<bool>,
    /// Give all values of formulas and rollups the type `unsupported`
    #[arg(long)]
    computed_unsupported: bool,
    /// Do not log what requests say in vain, as Notion does not
    #[arg(long)]
    hide_dropped: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Preset {
    Hostile,
    Documented,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RefreshFlag {
    Strict,
    Grace,
    Family,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OldFlag {
    Dies,
    Lives,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReauthorizeFlag {
    Same,
    Fresh,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BasicFlag {
    Raw,
    Encoded,
    Either,
}

impl From<BasicFlag> for Basic {
    fn from(flag: BasicFlag) -> Self {
        match flag {
            BasicFlag::Raw => Self::Raw,
            BasicFlag::Encoded => Self::Encoded,
            BasicFlag::Either => Self::Either,
        }
    }
}

impl From<RefreshFlag> for Refresh {
    fn from(flag: RefreshFlag) -> Self {
        match flag {
            RefreshFlag::Strict => Self::Strict,
            RefreshFlag::Grace => Self::Grace,
            RefreshFlag::Family => Self::Family,
        }
    }
}

impl From<OldFlag> for OldPair {
    fn from(flag: OldFlag) -> Self {
        match flag {
            OldFlag::Dies => Self::Dies,
            OldFlag::Lives => Self::Lives,
        }
    }
}

impl From<ReauthorizeFlag> for Reauthorize {
    fn from(flag: ReauthorizeFlag) -> Self {
        match flag {
            ReauthorizeFlag::Same => Self::Same,
            ReauthorizeFlag::Fresh => Self::Fresh,
        }
    }
}

impl SwitchArgs {
    pub(super) fn switches(&self) -> Switches {
        let preset = match self.preset {
            Preset::Hostile => Switches::default(),
            Preset::Documented => Switches::documented(),
        };
        Switches {
            refresh: self.refresh.map_or(preset.refresh, Into::into),
            old_access: self.old_access.map_or(preset.old_access, Into::into),
            reauthorize: self.reauthorize.map_or(preset.reauthorize, Into::into),
            older_pair: self.older_pair.map_or(preset.older_pair, Into::into),
            access_seconds: self.access_seconds.or(preset.access_seconds),
            basic: self.basic.map_or(preset.basic, Into::into),
            search_lag_seconds: self.search_lag_seconds.unwrap_or(preset.search_lag_seconds),
            async_polls: self.async_polls.unwrap_or(preset.async_polls),
            refuse_formula_filters: self.refuse_formula_filters.unwrap_or(preset.refuse_formula_filters),
            computed_unsupported: self.computed_unsupported || preset.computed_unsupported,
            name_dropped: !self.hide_dropped && preset.name_dropped,
        }
    }
}
