//! What keeps many grants from being refreshed on a guess.
//! If calls of many grants are refused while Notion will not say why, the trouble is Notion's or ours, and spending all their
//! refresh tokens would not mend it. So refreshes that Notion did not confirm are counted across grants, and held back
//! once there are too many; after a refused client secret, and while Notion limits us, none is sent at all.

use std::time::Duration;

use jiff::Timestamp;

use crate::renewal::since;

/// This many different grants may be refreshed without Notion's word in [`WINDOW`].
const UNCONFIRMED_MAX: usize = 5;
const WINDOW: Duration = Duration::from_mins(1);
/// How long after a refused client id or secret nobody's call sends a refresh.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// What is wrong with all refreshes of an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Notion refuses the client id or secret.
    ClientRefused,
    /// Notion limits our calls for this long.
    Throttled(Duration),
}

/// The breaker of one integration. Its memory is bounded, and gone with the process.
#[derive(Debug, Default)]
pub struct Breaker {
    closed_until: Option<Timestamp>,
    /// Grants that were refreshed on a guess, and when.
    unconfirmed: Vec<(String, Timestamp)>,
}

impl Breaker {
    /// Whether a refresh of this grant may be sent now, or how long not. `ordered`: somebody asked for just this one.
    ///
    /// # Errors
    /// How long to wait.
    pub fn ask(
        &mut self,
        grant_id: &str,
        confirmed: bool,
        ordered: bool,
        now: Timestamp,
    ) -> Result<(), Duration> {
        if ordered {
            return Ok(());
        }
        if let Some(wait) =
            self.closed_until.and_then(|until| since(now, until)).filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        if confirmed {
            return Ok(());
        }
        self.unconfirmed.retain(|(_, at)| since(*at, now).is_some_and(|since| since < WINDOW));
        if self.unconfirmed.iter().any(|(id, _)| id == grant_id) {
            return Ok(());
        }
        if self.unconfirmed.len() >= UNCONFIRMED_MAX {
            let oldest = self.unconfirmed.iter().filter_map(|(_, at)| since(*at, now)).max();
            return Err(WINDOW.saturating_sub(oldest.unwrap_or_default()).max(Duration::from_secs(1)));
        }
        self.unconfirmed.push((grant_id.to_owned(), now));
        Ok(())
    }

    /// Notes what is wrong with all refreshes.
    pub fn note(&mut self, trouble: Trouble, now: Timestamp) {
        let wait = match trouble {
            Trouble::ClientRefused => REFUSED_FOR,
            Trouble::Throttled(wait) => wait,
        };
        let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        self.closed_until = self.closed_until.max(Some(until));
    }

    /// A refresh was answered as it should be: nothing is wrong.
    pub fn note_good(&mut self) {
        self.closed_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn many_grants_refused_without_notions_word_are_not_all_refreshed() {
        let mut breaker = Breaker::default();
        let guess = |breaker: &mut Breaker, grant: usize, second| {
            breaker.ask(&format!("grt_{grant}"), false, false, at(second)).is_ok()
        };
        let let_through = (0..30).filter(|grant| guess(&mut breaker, *grant, 0)).count();
        assert_eq!(let_through, UNCONFIRMED_MAX);
        assert!(guess(&mut breaker, 0, 1), "one that was let through may try again");
        assert_eq!(breaker.ask("grt_30", false, false, at(20)), Err(Duration::from_secs(40)));
        assert!(guess(&mut breaker, 30, 60), "a minute later the next ones may");
    }

    #[test]
    fn what_notion_confirms_or_somebody_orders_is_not_held_back_by_guesses() {
        let mut breaker = Breaker::default();
        for grant in 0..1_000 {
            assert_eq!(breaker.ask(&format!("grt_{grant}"), true, false, at(0)), Ok(()));
            assert_eq!(breaker.ask(&format!("grt_{grant}"), false, true, at(0)), Ok(()));
        }
    }

    #[test]
    fn a_refused_client_and_a_limit_hold_everybody_back_but_an_order() {
        for (trouble, seconds) in
            [(Trouble::ClientRefused, 10), (Trouble::Throttled(Duration::from_secs(25)), 25)]
        {
            let mut breaker = Breaker::default();
            breaker.note(trouble, at(0));
            let wait = Duration::from_secs(seconds - 1);
            assert_eq!(breaker.ask("grt_1", true, false, at(1)), Err(wait), "{trouble:?}");
            assert_eq!(breaker.ask("grt_1", true, true, at(1)), Ok(()), "{trouble:?}");
            assert_eq!(breaker.ask("grt_1", true, false, at(30)), Ok(()), "{trouble:?}");
            breaker.note(trouble, at(40));
            breaker.note_good();
            assert_eq!(breaker.ask("grt_1", true, false, at(41)), Ok(()), "{trouble:?}");
        }
    }
}
