//! Letters in a drawing: how wide they are, where a line breaks, and how they are written down safely.
//! No font is at hand, so widths are estimates, rather too wide: a caption must never run into what stands beside it.

/// How many lines of one text are drawn; what is longer ends in an ellipsis.
const LINES_MAX: usize = 40;

/// About how wide a text is, in hundredths of a pixel.
fn width(text: &str, size: usize) -> usize {
    text.chars().map(|c| letter(c) * size).sum()
}

/// About how wide a text is in pixels.
pub(super) fn pixels(text: &str, size: usize) -> usize {
    width(text, size).div_ceil(100)
}

/// A letter's width in hundredths of the font's size, in the bold of the widest of the usual fonts without serifs.
fn letter(c: char) -> usize {
    match c {
        _ if is_mark(c) => 0,
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '!' | '|' | '\'' | ' ' => 40,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' => 50,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 105,
        'A'..='Z' => 80,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{20000}'..='\u{3fffd}' => 100,
        '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1ffff}' => 130,
        // Scripts whose letters vary more.
        c if c > '\u{24f}' => 85,
        _ => 70,
    }
}

/// Takes no room of its own and stays with the letter before it.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{93c}'
        | '\u{94d}'
        | '\u{200b}'..='\u{200f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0020}'..='\u{e01ef}')
}

/// Breaks a text into lines of at most `room` pixels: between words, and within a word that is longer than a line.
pub(super) fn wrap(text: &str, size: usize, room: usize) -> Vec<String> {
    let room = room * 100;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(line) =
            lines.last_mut().filter(|line| width(line, size) + width(" ", size) + width(word, size) <= room)
        {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        lines.extend(pieces(word, size, room));
    }
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines
}

/// A word in pieces that fit. What belongs to one letter stays together.
fn pieces(word: &str, size: usize, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let (mut piece, mut so_far, mut joined) = (String::new(), 0, false);
    for c in word.chars() {
        let wide = letter(c) * size;
        if so_far + wide > room && wide > 0 && !joined && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            so_far = 0;
        }
        joined = c == '\u{200d}';
        so_far += wide;
        piece.push(c);
    }
    pieces.push(piece);
    pieces
}

/// Makes any text safe inside the drawing, characters that XML cannot hold included. What turns the direction of the text
/// around it is left out.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 10, 52), ["one two", "three"]);
        assert_eq!(wrap("", 10, 50), Vec::<String>::new());
    }

    #[test]
    fn a_word_longer_than_a_line_breaks_within_and_loses_no_letter() {
        let long = "https://example.com/".repeat(20);
        let lines = wrap(&long, 12, 100);
        assert_eq!(lines.concat(), long);
        assert!(lines.iter().all(|line| pixels(line, 12) <= 100), "{lines:?}");
        // CJK has no spaces, and each letter is as wide as high.
        let lines = wrap(&"連".repeat(25), 10, 100);
        assert_eq!(lines.iter().map(|line| line.chars().count()).collect::<Vec<_>>(), [10, 10, 5]);
    }

    #[test]
    fn what_is_one_letter_is_never_cut() {
        let family = "👩\u{200d}👩\u{200d}👧";
        assert!(
            wrap(&family.repeat(9), 10, 20)
                .iter()
                .all(|line| !line.starts_with('\u{200d}') && !line.ends_with('\u{200d}'))
        );
        assert!(wrap(&"e\u{301}".repeat(90), 10, 20).iter().all(|line| !line.starts_with('\u{301}')));
    }

    #[test]
    fn a_text_without_end_ends_in_an_ellipsis() {
        let lines = wrap(&"word ".repeat(10_000), 12, 60);
        assert_eq!(lines.len(), LINES_MAX);
        assert!(lines.last().unwrap().ends_with('…'));
    }

    #[test]
    fn what_turns_the_text_around_it_is_left_out() {
        assert_eq!(escape("a\u{202e}b\u{2066}c <&>"), "abc &lt;&amp;&gt;");
    }
}
