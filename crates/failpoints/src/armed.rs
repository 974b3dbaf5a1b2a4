//! The half that a build without the feature does not have: at which place to stop, and at which passing.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::Point;

/// The signal stops one thread after the other: how long the one that sent it waits for its turn.
const STOPPING: Duration = Duration::from_millis(20);

static ARMED: OnceLock<(Point, u32)> = OnceLock::new();
static PASSED: AtomicU32 = AtomicU32::new(0);

/// Has the process stop at a place: `refresh.sealed`, or `refresh.sealed:3` for the third time that it comes by. Asked once.
///
/// # Errors
/// What was expected, if there is no such place.
pub fn arm(told: &str) -> Result<(), String> {
    let (name, passing) = told.split_once(':').unwrap_or((told, "1"));
    let (point, _) =
        Point::ALL.iter().find(|(_, known)| *known == name).ok_or("the name of a fail point was expected")?;
    let passing = passing.parse().map_err(|_| "a number was expected after the fail point's name")?;
    ARMED.set((*point, passing)).map_err(|_| "a fail point was given before".to_owned())
}

pub(crate) fn hit(point: Point) {
    let Some((_, passing)) = ARMED.get().filter(|(armed, _)| *armed == point) else { return };
    if PASSED.fetch_add(1, Ordering::AcqRel) + 1 == *passing {
        let _it_is_our_own = kill_process(getpid(), Signal::STOP);
        std::thread::sleep(STOPPING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_place_or_a_number_is_refused() {
        assert!(arm("nowhere").is_err());
        assert!(arm("refresh.sealed:often").is_err());
        assert!(arm("refresh.sealed:2").is_ok());
        assert!(arm("refresh.sealed").is_err(), "one is enough");
        // The first passing goes by.
        hit(Point::RefreshSealed);
        hit(Point::KeyStored);
    }
}
