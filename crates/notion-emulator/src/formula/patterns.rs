//! Regular expressions, bounded: one that would take too much memory, or that looks around itself as JavaScript can and
//! this engine cannot, is not tried. Matching takes time in proportion to the text.

use regex::{Captures, Regex, RegexBuilder};

/// Largest compiled pattern, in bytes: a pattern with Unicode classes takes some ten thousand.
const COMPILED_MAX: usize = 1 << 20;
/// How deep groups may nest in a pattern.
const GROUPS_MAX: u32 = 50;

/// A pattern made ready; `None` if the emulator cannot do it.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(COMPILED_MAX).nest_limit(GROUPS_MAX).build().ok()
}

/// What takes the place of a match: `$1` to `$99` are groups, `$&` is all of it, `$$` a dollar sign. Source: ECMAScript,
/// `GetSubstitution`.
pub(super) fn substitute(captures: &Captures<'_>, with: &str, text: &mut String) {
    let group = |number: usize| captures.get(number).map_or("", |group| group.as_str());
    let mut rest = with;
    while let Some(dollar) = rest.find('$') {
        text.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        // Two digits count only if there are so many groups.
        let numbers = (1..=digits).rev().filter_map(|length| Some((length, after[..length].parse().ok()?)));
        let named = numbers.into_iter().find(|(_, number)| (1..captures.len()).contains(number));
        rest = if let Some((length, number)) = named {
            text.push_str(group(number));
            &after[length..]
        } else if let Some(after) = after.strip_prefix('&') {
            text.push_str(group(0));
            after
        } else {
            text.push('$');
            after.strip_prefix('$').unwrap_or(after)
        };
    }
    text.push_str(rest);
}
