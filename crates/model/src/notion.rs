//! Notion's side of one person's authorization as a small value: which tokens of which pairs work, and what consent, refresh,
//! revocation and time do to them. `tests/notion.rs` holds it equal to the emulator.

/// Numbers the pairs that Notion ever gave.
pub type PairId = u8;
/// Numbers the authorizations: one that was ended and consented to anew has another bot.
pub(crate) type Bot = u8;

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refreshing {
    /// It is dead at once.
    Strict,
    /// It works until one that it gave was used.
    Grace,
    /// Used again, it ends the authorization with all its tokens.
    Family,
}

/// What nobody knows of Notion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    /// What becomes of a refresh token that was used.
    pub refresh: Refreshing,
    /// The access token that a refresh replaces dies.
    pub old_access_dies: bool,
    /// The older pair dies when a second consent gives a fresh one.
    pub older_pair_dies: bool,
    /// Of a pair that dies so, the access token works on: only its refresh token is dead. The emulator has none of this.
    pub older_access_lives: bool,
    /// A second consent gives the same pair again while it works.
    pub same_pair: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair {
    bot: Bot,
    access: bool,
    refresh: bool,
    used: bool,
    given_by: Option<PairId>,
    followed: bool,
}

/// Why a refresh brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refused;

/// Notion, as far as one person and one integration are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Notion {
    kind: Kind,
    bot: Option<Bot>,
    /// The authorization's newest pair.
    newest: PairId,
    removals: u8,
    pairs: Vec<Pair>,
}

impl Notion {
    /// Before any consent.
    pub fn new(kind: Kind) -> Self {
        Self { kind, bot: None, newest: 0, removals: 0, pairs: Vec::new() }
    }

    /// The authorization that stands, if one does.
    pub(crate) fn bot(&self) -> Option<Bot> {
        self.bot
    }

    /// Which authorization a pair is of.
    pub(crate) fn bot_of(&self, pair: PairId) -> Bot {
        self.pairs[usize::from(pair)].bot
    }

    /// Trades the code of a consent for a pair.
    pub fn exchange(&mut self) -> PairId {
        let Some(bot) = self.bot else {
            self.bot = Some(self.removals);
            return self.issue(self.removals, None);
        };
        if self.kind.same_pair && self.newest_is_whole() {
            return self.newest;
        }
        if self.kind.older_pair_dies && self.kind.older_access_lives {
            self.end_refreshing(bot);
        } else if self.kind.older_pair_dies {
            self.end_tokens(bot);
        }
        self.issue(bot, None)
    }

    fn newest_is_whole(&self) -> bool {
        let newest = self.pairs[usize::from(self.newest)];
        newest.access && newest.refresh && !newest.used
    }

    /// Trades a refresh token for the next pair.
    pub fn refresh(&mut self, pair: PairId) -> Result<PairId, Refused> {
        let kept = self.pairs[usize::from(pair)];
        if !kept.refresh {
            return Err(Refused);
        }
        if kept.used {
            match self.kind.refresh {
                Refreshing::Grace if !kept.followed => {}
                Refreshing::Family => {
                    self.remove();
                    return Err(Refused);
                }
                Refreshing::Strict | Refreshing::Grace => return Err(Refused),
            }
        }
        self.pairs[usize::from(pair)].used = true;
        if let Some(before) = kept.given_by {
            self.pairs[usize::from(before)].followed = true;
        }
        if self.kind.old_access_dies {
            self.end_access();
        }
        Ok(self.issue(kept.bot, Some(pair)))
    }

    /// Whether a pair's access token works.
    pub fn introspect(&self, pair: PairId) -> bool {
        self.pairs[usize::from(pair)].access
    }

    /// Whether anything of a pair works: its access token, or its refresh token would give another.
    pub fn lives(&self, pair: PairId) -> bool {
        let kept = self.pairs[usize::from(pair)];
        kept.access || self.refreshes(pair)
    }

    /// Whether a pair's refresh token would give another.
    pub fn refreshes(&self, pair: PairId) -> bool {
        let kept = self.pairs[usize::from(pair)];
        kept.refresh && (!kept.used || (self.kind.refresh == Refreshing::Grace && !kept.followed))
    }

    /// The pairs that a pair's refresh token gave.
    pub fn given_by(&self, pair: PairId) -> impl Iterator<Item = PairId> {
        (0..).zip(&self.pairs).filter(move |(_, kept)| kept.given_by == Some(pair)).map(|(id, _)| id)
    }

    /// Ends the authorization behind a working access token; whether there was one.
    pub fn revoke(&mut self, pair: PairId) -> bool {
        let works = self.introspect(pair);
        if works {
            self.remove();
        }
        works
    }

    /// Ends the authorization with all its tokens: the person's own doing, at Notion.
    pub fn remove(&mut self) {
        if let Some(bot) = self.bot.take() {
            self.end_tokens(bot);
            self.removals += 1;
        }
    }

    /// The access tokens' time is over; refresh tokens go on working.
    pub fn end_access(&mut self) {
        for pair in &mut self.pairs {
            pair.access = false;
        }
    }

    fn end_tokens(&mut self, bot: Bot) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.bot == bot) {
            (pair.access, pair.refresh) = (false, false);
        }
    }

    fn end_refreshing(&mut self, bot: Bot) {
        self.pairs.iter_mut().filter(|pair| pair.bot == bot).for_each(|pair| pair.refresh = false);
    }

    fn issue(&mut self, bot: Bot, given_by: Option<PairId>) -> PairId {
        self.pairs.push(Pair { bot, access: true, refresh: true, used: false, given_by, followed: false });
        self.newest = PairId::try_from(self.pairs.len() - 1).expect("a search gives few pairs");
        self.newest
    }
}
