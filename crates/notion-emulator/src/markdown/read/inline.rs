//! Rich text from one line: a single walk that turns the line into pieces and marks them as it closes what it opened.
//! Marks are flags on pieces, so they may cross; what is never closed stays as it was written. Every loop is linear in
//! the line, whatever it holds.

use crate::content::rich_text::{Annotations, Mention, RichText, Run};
use crate::markdown::tag::Tag;
use crate::markdown::{Names, address, color_of};

/// How deep `<span>` nests; deeper ones lose their look.
const SPANS_MAX: usize = 16;

/// The longest run of back ticks that opens code.
const FENCE_MAX: usize = 8;

/// The longest address of a link, in bytes of the text.
const LINK_MAX: usize = 8 * 1024;

/// Reads a line.
pub(crate) fn rich_text(line: &str, names: &dyn Names) -> Vec<RichText> {
    let mut reader = Reader::new(line, names);
    reader.walk();
    joined(reader.pieces)
}

/// Reads a line that is `[caption](address)` as a whole, for an image.
pub(super) fn image(line: &str, names: &dyn Names) -> Option<(Vec<RichText>, String)> {
    let mut reader = Reader { image: Some(None), ..Reader::new(line, names) };
    reader.walk();
    let url = reader.image.flatten()?;
    Some((joined(reader.pieces), url))
}

/// A part of the line with its look.
struct Piece {
    run: Run,
    look: Annotations,
    color: Option<&'static str>,
}

/// The marks that open and close with the same characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Bold,
    Italic,
    Strike,
}

struct Reader<'a> {
    line: &'a str,
    at: usize,
    names: &'a dyn Names,
    pieces: Vec<Piece>,
    /// By [`Mark`]: the piece that holds the opening characters.
    open: [Option<usize>; 3],
    /// Open `<span>`s: the first piece inside, colour, underline.
    spans: Vec<(usize, Option<&'static str>, bool)>,
    /// The pieces that hold a `[` that could open a link.
    brackets: Vec<usize>,
    /// Searches that failed once and would fail again: for back ticks by their number, then for the end of an equation.
    hopeless: [bool; FENCE_MAX + 2],
    /// For an image, whose caption may hold links: its address, once it is found.
    image: Option<Option<String>>,
}

impl<'a> Reader<'a> {
    fn new(line: &'a str, names: &'a dyn Names) -> Self {
        Self {
            line,
            at: 0,
            names,
            pieces: Vec::new(),
            open: [None; 3],
            spans: Vec::new(),
            brackets: Vec::new(),
            hopeless: [false; FENCE_MAX + 2],
            image: None,
        }
    }

    fn walk(&mut self) {
        while let Some(next) = self.rest().chars().next() {
            let taken = match next {
                '\\' => self.escape(),
                '*' => self.stars(),
                '~' => self.tildes(),
                '`' => self.code(),
                '$' => self.equation(),
                '<' => self.tag(),
                '[' => self.bracket(),
                ']' => self.link(),
                ':' => self.emoji(),
                'h' => self.bare_address(),
                _ => false,
            };
            if !taken {
                self.text(next.encode_utf8(&mut [0; 4]));
                self.at += next.len_utf8();
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// The character before.
    fn before(&self) -> Option<char> {
        self.line[..self.at].chars().next_back()
    }

    fn push(&mut self, run: Run) {
        self.pieces.push(Piece { run, look: Annotations::default(), color: None });
    }

    /// Adds text: to the last piece, where that is plain text that nothing refers to.
    fn text(&mut self, text: &str) {
        let last = self.pieces.len().checked_sub(1);
        let is_mark = self.open.contains(&last) || self.brackets.last().copied() == last;
        let starts_span = self.spans.last().is_some_and(|(first, ..)| *first == self.pieces.len());
        if let Some(Piece { run: Run::Text { content, link: None }, look, color: None }) =
            self.pieces.last_mut()
            && !is_mark
            && !starts_span
            && *look == Annotations::default()
        {
            content.push_str(text);
        } else {
            self.push(Run::Text { content: text.to_owned(), link: None });
        }
    }

    fn escape(&mut self) -> bool {
        let Some(escaped) = self.rest().chars().nth(1).filter(char::is_ascii_punctuation) else {
            return false;
        };
        self.text(escaped.encode_utf8(&mut [0; 4]));
        self.at += 2;
        true
    }

    /// A run of stars: one is italic, two are bold, three both; more are what they close, and then the same again.
    fn stars(&mut self) -> bool {
        let mut count = self.rest().bytes().take_while(|byte| *byte == b'*').count();
        let (can_open, can_close) = self.flanks(count);
        while count > 0 {
            let (bold, italic) = (self.is_open(Mark::Bold), self.is_open(Mark::Italic));
            let (mark, width) = match count {
                1 => (Mark::Italic, 1),
                2 => (Mark::Bold, 2),
                _ if italic && can_close => (Mark::Italic, 1),
                _ if bold && can_close => (Mark::Bold, 2),
                3 => (Mark::Bold, 2),
                _ => {
                    self.text(&"*".repeat(count));
                    self.at += count;
                    return true;
                }
            };
            self.toggle(mark, &"**"[..width], can_open, can_close);
            count -= width;
        }
        true
    }

    fn tildes(&mut self) -> bool {
        let count = self.rest().bytes().take_while(|byte| *byte == b'~').count();
        if count != 2 {
            self.text(&"~".repeat(count));
            self.at += count;
            return true;
        }
        let (can_open, can_close) = self.flanks(2);
        self.toggle(Mark::Strike, "~~", can_open, can_close);
        true
    }

    /// Whether `count` characters from here can open (something follows closely) or close (something comes closely before).
    fn flanks(&self, count: usize) -> (bool, bool) {
        let after = self.line[self.at + count..].chars().next();
        let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        (!blank(after), !blank(self.before()))
    }

    fn is_open(&self, mark: Mark) -> bool {
        self.open[mark as usize].is_some()
    }

    /// Closes what is open, or opens, or leaves the characters as they are.
    fn toggle(&mut self, mark: Mark, written: &str, can_open: bool, can_close: bool) {
        self.at += written.len();
        match self.open[mark as usize] {
            Some(opened) if can_close => {
                self.open[mark as usize] = None;
                self.pieces[opened].run = Run::Text { content: String::new(), link: None };
                for piece in &mut self.pieces[opened + 1..] {
                    match mark {
                        Mark::Bold => piece.look.bold = true,
                        Mark::Italic => piece.look.italic = true,
                        Mark::Strike => piece.look.strikethrough = true,
                    }
                }
            }
            None if can_open => {
                self.push(Run::Text { content: written.to_owned(), link: None });
                self.open[mark as usize] = Some(self.pieces.len() - 1);
            }
            _ => self.text(written),
        }
    }

    fn code(&mut self) -> bool {
        let count = self.rest().bytes().take_while(|byte| *byte == b'`').count();
        let ticks = &self.rest()[..count];
        if count > FENCE_MAX || self.hopeless[count] {
            self.text(ticks);
            self.at += count;
            return true;
        }
        let from = self.at + count;
        let Some(end) = closing_ticks(&self.line[from..], count) else {
            self.hopeless[count] = true;
            self.text(ticks);
            self.at += count;
            return true;
        };
        let inner = &self.line[from..from + end];
        let padded =
            inner.len() > 2 && inner.starts_with(' ') && inner.ends_with(' ') && !inner.trim().is_empty();
        let content = if padded { &inner[1..inner.len() - 1] } else { inner };
        let (run, look) = (
            Run::Text { content: content.to_owned(), link: None },
            Annotations { code: true, ..Annotations::default() },
        );
        self.pieces.push(Piece { run, look, color: None });
        self.at = from + end + count;
        true
    }

    /// An equation: between dollar signs that hug it, with back ticks inside them or not; two signs are as good as one.
    fn equation(&mut self) -> bool {
        let rest = self.rest();
        let count = rest.bytes().take_while(|byte| *byte == b'$').count();
        let inner = &rest[count..];
        if count == 1 && inner.starts_with('`') && !self.hopeless[FENCE_MAX + 1] {
            if let Some(end) = inner[1..].find("`$").filter(|end| *end > 0) {
                let expression = inner[1..=end].to_owned();
                self.at += end + 4;
                self.push(Run::Equation(expression));
                return true;
            }
            self.hopeless[FENCE_MAX + 1] = true;
        }
        // The end is the next sign, wherever it stands: a search that goes on behind it would make this quadratic.
        let end = (count <= 2).then(|| inner.find('$')).flatten();
        let signs = "$".repeat(count);
        let stands_free = !self.before().is_some_and(char::is_alphanumeric);
        if let Some(end) = end
            && stands_free
            && inner[end..].starts_with(&signs)
            && !inner[end + count..].starts_with(|c: char| c.is_alphanumeric() || c == '$')
            && !inner.starts_with(char::is_whitespace)
            && !inner[..end].ends_with(['\\', ' ', '\t'])
            && end > 0
        {
            let expression = inner[..end].to_owned();
            self.at += end + 2 * count;
            self.push(Run::Equation(expression));
            return true;
        }
        self.at += count;
        self.text(&signs);
        true
    }

    fn tag(&mut self) -> bool {
        let Some(tag) = Tag::at(self.rest()) else { return false };
        let after = self.at + tag.length;
        match tag.name {
            "br" => self.text("\n"),
            "span" if tag.closes => self.close_span(),
            "span" => self.open_span(&tag),
            name if name.starts_with("mention-") && !tag.closes => {
                let Some(mention) = mention(&tag) else { return false };
                self.push(Run::Mention(mention));
                self.at = after;
                if !tag.is_empty {
                    self.skip_name(name);
                }
                return true;
            }
            _ => return false,
        }
        self.at = after;
        true
    }

    /// Skips the name between a mention's tags: it says nothing that the address does not.
    fn skip_name(&mut self, tag: &str) {
        let rest = self.rest();
        let Some(end) = rest.find('<') else { return };
        if let Some(closing) = Tag::at(&rest[end..]).filter(|closing| closing.closes && closing.name == tag) {
            self.at += end + closing.length;
        }
    }

    fn open_span(&mut self, tag: &Tag<'_>) {
        let color = tag.get("color").and_then(color_of);
        if self.spans.len() < SPANS_MAX {
            self.spans.push((self.pieces.len(), color, tag.is("underline")));
        }
    }

    fn close_span(&mut self) {
        let Some((first, color, underline)) = self.spans.pop() else { return };
        for piece in &mut self.pieces[first..] {
            piece.color = piece.color.or(color);
            piece.look.underline |= underline;
        }
        // What follows must not grow into the last piece inside.
        self.push(Run::Text { content: String::new(), link: None });
    }

    fn bracket(&mut self) -> bool {
        self.push(Run::Text { content: "[".to_owned(), link: None });
        self.brackets.push(self.pieces.len() - 1);
        self.at += 1;
        true
    }

    fn link(&mut self) -> bool {
        let Some(opened) = self.brackets.last().copied() else { return false };
        let Some((url, length)) = self.rest().strip_prefix("](").and_then(link_target) else { return false };
        let is_image = self.image.is_some() && opened == 0;
        if is_image && self.at + 2 + length < self.line.len() {
            return false;
        }
        self.at += 2 + length;
        self.pieces[opened].run = Run::Text { content: String::new(), link: None };
        if is_image {
            self.image = Some(Some(url));
            return true;
        }
        for piece in &mut self.pieces[opened + 1..] {
            if let Run::Text { link, .. } = &mut piece.run {
                *link = Some(url.clone());
            }
        }
        // Links do not nest.
        self.brackets.truncate(usize::from(self.image.is_some()));
        self.push(Run::Text { content: String::new(), link: None });
        true
    }

    fn emoji(&mut self) -> bool {
        let Some(inner) = self.rest().strip_prefix(':') else { return false };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
        let found =
            if end > 0 && inner[end..].starts_with(':') { self.names.emoji_id(&inner[..end]) } else { None };
        let Some(id) = found else { return false };
        self.push(Run::Mention(Mention::CustomEmoji(id)));
        self.at += end + 2;
        true
    }

    /// An address that stands in the text becomes a link to itself, as it does at Notion.
    fn bare_address(&mut self) -> bool {
        let rest = self.rest();
        let starts = ["https://", "http://"].iter().find(|scheme| rest.starts_with(**scheme));
        let Some(scheme) = starts.filter(|_| !self.before().is_some_and(char::is_alphanumeric)) else {
            return false;
        };
        let ends = |c: char| c.is_whitespace() || c.is_control() || "<>\"`|\\[]{}".contains(c);
        let end = rest.find(ends).unwrap_or(rest.len());
        let url = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '*', '~', '\'']);
        if url.len() == scheme.len() {
            return false;
        }
        let (url, length) = (url.to_owned(), url.len());
        self.push(Run::Text { content: url.clone(), link: Some(url) });
        self.push(Run::Text { content: String::new(), link: None });
        self.at += length;
        true
    }
}

/// Where the next run of exactly `count` back ticks starts.
pub(super) fn closing_ticks(text: &str, count: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].bytes().take_while(|byte| *byte == b'`').count();
        if length == count {
            return Some(start);
        }
        at = start + length;
    }
    None
}

/// A link's address up to its closing bracket, without escapes, and how many bytes both take.
fn link_target(text: &str) -> Option<(String, usize)> {
    let mut url = String::new();
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < LINK_MAX) {
        match c {
            _ if escaped => {
                if !c.is_ascii_punctuation() {
                    url.push('\\');
                }
                url.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            ')' if depth == 0 => return if url.is_empty() { None } else { Some((url, at + 1)) },
            // Brackets too: without them, many links that never end would each be searched for an end.
            '<' | '[' | ']' | '\n' | ' ' | '\t' => return None,
            _ => {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                url.push(c);
            }
        }
    }
    None
}

/// What a `<mention-…>` points at.
fn mention(tag: &Tag<'_>) -> Option<Mention> {
    let id = || tag.get("url").and_then(address::id_in);
    match tag.name {
        "mention-user" => id().map(Mention::User),
        "mention-page" => id().map(Mention::Page),
        "mention-database" => id().map(Mention::Database),
        "mention-date" => super::date::mention(tag).map(Mention::Date),
        _ => None,
    }
}

/// The pieces as runs: empty ones left out, neighbours of the same look joined.
fn joined(pieces: Vec<Piece>) -> Vec<RichText> {
    let mut runs: Vec<RichText> = Vec::with_capacity(pieces.len());
    for Piece { run, look, color } in pieces {
        let annotations = Annotations { color: color.unwrap_or("default"), ..look };
        if let Run::Text { content, link } = &run {
            if content.is_empty() {
                continue;
            }
            if let Some(RichText { run: Run::Text { content: had, link: had_link }, annotations: had_look }) =
                runs.last_mut()
                && had_link == link
                && *had_look == annotations
            {
                had.push_str(content);
                continue;
            }
        }
        runs.push(RichText { run, annotations });
    }
    runs
}
