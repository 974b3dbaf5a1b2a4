//! Regular expressions, bounded: one that would take too much memory, or that looks around itself as JavaScript can and
//! this engine cannot, is not tried. Finding one match takes time in proportion to the text.

use regex::{Captures, Regex, RegexBuilder};

use super::evaluate::Halt;

/// Largest compiled pattern, in bytes: a pattern with Unicode classes takes some ten thousand.
const COMPILED_MAX: usize = 1 << 20;
/// How deep groups may nest in a pattern.
const GROUPS_MAX: u32 = 50;

/// A pattern made ready; `None` if the emulator cannot do it.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(COMPILED_MAX).nest_limit(GROUPS_MAX).build().ok()
}

/// Adds to `text` what takes the place of a match: `$1` to `$99` are groups, `$&` is all of it, `$$` a dollar sign. Stops
/// when the text has more than `most` bytes. Source: ECMAScript, `GetSubstitution`.
pub(super) fn substitute(
    captures: &Captures<'_>,
    with: &str,
    text: &mut String,
    most: usize,
) -> Result<(), Halt> {
    let mut push = |part: &str| {
        text.push_str(part);
        if text.len() > most { Err(Halt) } else { Ok(()) }
    };
    let group = |number: usize| captures.get(number).map_or("", |group| group.as_str());
    let mut rest = with;
    while let Some(dollar) = rest.find('$') {
        push(&rest[..dollar])?;
        let after = &rest[dollar + 1..];
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        // Two digits count only if there are so many groups.
        let numbers = (1..=digits).rev().filter_map(|length| Some((length, after[..length].parse().ok()?)));
        let named = numbers.into_iter().find(|(_, number)| (1..captures.len()).contains(number));
        rest = if let Some((length, number)) = named {
            push(group(number))?;
            &after[length..]
        } else if let Some(after) = after.strip_prefix('&') {
            push(group(0))?;
            after
        } else {
            push("$")?;
            after.strip_prefix('$').unwrap_or(after)
        };
    }
    push(rest)
}
