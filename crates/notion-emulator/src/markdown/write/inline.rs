//! Rich text as one line. Looks are opened and closed like brackets, those that go on stay open; stars and tildes hug
//! what they mark, so white space at the edge of a marked run goes outside.

use crate::content::date::{DateValue, Moment, with_offset};
use crate::content::rich_text::{Annotations, Mention, RichText, Run};
use crate::markdown::{Names, address, color_name};

/// The characters that mean something. Source: Notion, "Enhanced markdown format", escaping (read 2026-11-27).
const ESCAPED: &str = "\\*~`$[]<>{}|^";

/// Writes runs.
pub(crate) fn line(runs: &[RichText], names: &dyn Names) -> String {
    let mut text = String::new();
    let mut open: Vec<Mark> = Vec::new();
    for (inner, marks) in hugged(runs, names) {
        let kept = open.iter().zip(&marks).take_while(|(had, wanted)| had == wanted).count();
        for mark in open.drain(kept..).rev() {
            text.push_str(mark.closing());
        }
        for mark in marks.into_iter().skip(kept) {
            text.push_str(&mark.opening());
            open.push(mark);
        }
        // Before a link it would make an image.
        if text.ends_with('!') && inner.starts_with('[') {
            text.insert(text.len() - 1, '\\');
        }
        text.push_str(&inner);
    }
    for mark in open.into_iter().rev() {
        text.push_str(mark.closing());
    }
    text
}

/// Text that has no look.
pub(crate) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => written.push_str("<br>"),
            _ => {
                if ESCAPED.contains(c) {
                    written.push('\\');
                }
                written.push(c);
            }
        }
    }
    written
}

/// A look that is written around text, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    Span { color: Option<String>, underline: bool },
    Bold,
    Italic,
    Strike,
}

impl Mark {
    fn opening(&self) -> String {
        match self {
            Self::Span { color, underline } => {
                let color = color.as_ref().map_or_else(String::new, |color| format!(" color=\"{color}\""));
                let underline = if *underline { " underline=\"true\"" } else { "" };
                format!("<span{color}{underline}>")
            }
            _ => self.closing().to_owned(),
        }
    }

    fn closing(&self) -> &'static str {
        match self {
            Self::Span { .. } => "</span>",
            Self::Bold => "**",
            Self::Italic => "*",
            Self::Strike => "~~",
        }
    }

    fn of(look: &Annotations) -> Vec<Self> {
        let (color, underline) = (color_name(look.color), look.underline);
        let mut marks = Vec::new();
        if color.is_some() || underline {
            marks.push(Self::Span { color, underline });
        }
        for (has, mark) in
            [(look.bold, Self::Bold), (look.italic, Self::Italic), (look.strikethrough, Self::Strike)]
        {
            if has {
                marks.push(mark);
            }
        }
        marks
    }
}

/// What is inside the marks, with the marks; blank edges have only those that their neighbour has too.
fn hugged(runs: &[RichText], names: &dyn Names) -> Vec<(String, Vec<Mark>)> {
    let marks: Vec<Vec<Mark>> = runs.iter().map(|run| Mark::of(&run.annotations)).collect();
    let none = Vec::new();
    let mut parts = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let own = &marks[at];
        let before = at.checked_sub(1).map_or(&none, |at| &marks[at]);
        let after = marks.get(at + 1).unwrap_or(&none);
        let Run::Text { content, link } = &run.run else {
            parts.push((other(run, names), own.clone()));
            continue;
        };
        let look = |inner: &str| text(inner, link.as_deref(), run.annotations.code);
        let inner = content.trim_matches(is_blank);
        if inner.is_empty() {
            parts.push((look(content), shared(&shared(own, before), after)));
            continue;
        }
        let start = content.len() - content.trim_start_matches(is_blank).len();
        let end = content.trim_end_matches(is_blank).len();
        if run.annotations.code || link.is_some() {
            parts.push((look(content), own.clone()));
            continue;
        }
        parts.push((look(&content[..start]), shared(own, before)));
        parts.push((look(inner), own.clone()));
        parts.push((look(&content[end..]), shared(own, after)));
    }
    parts.retain(|(inner, _)| !inner.is_empty());
    parts
}

/// White space that nothing can hug; line breaks are tags.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

/// The marks that go on from one part to its neighbour. Spans stay in any case: those need not hug.
fn shared(own: &[Mark], other: &[Mark]) -> Vec<Mark> {
    let both = own.iter().zip(other).take_while(|(own, other)| own == other).count();
    let spans = own.iter().take_while(|mark| matches!(mark, Mark::Span { .. })).count();
    own[..both.max(spans)].to_vec()
}

/// A run of text, with its code marks and link.
fn text(content: &str, link: Option<&str>, code: bool) -> String {
    if content.is_empty() {
        return String::new();
    }
    let inner = if code { coded(content) } else { escaped(content) };
    match link {
        None => inner,
        Some(url) => format!("[{inner}]({})", target(url)),
    }
}

/// Text between back ticks, more of them than are in it.
fn coded(content: &str) -> String {
    let content = content.replace('\n', " ");
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let has = |count: usize| content.split(|c| c != '`').any(|run| run.len() == count);
    let count = (1..=longest + 1).find(|count| !has(*count)).unwrap_or(1);
    let ticks = "`".repeat(count);
    let touches = content.starts_with('`') || content.ends_with('`');
    let blank_ends = content.starts_with(' ') && content.ends_with(' ') && !content.trim().is_empty();
    let pad = if touches || blank_ends { " " } else { "" };
    format!("{ticks}{pad}{content}{pad}{ticks}")
}

/// A link's address.
pub(super) fn target(url: &str) -> String {
    let mut written = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            '(' | ')' | '[' | ']' | '\\' => written.extend(['\\', c]),
            '<' => written.push_str("%3C"),
            ' ' => written.push_str("%20"),
            '\n' => written.push_str("%0A"),
            '\t' => written.push_str("%09"),
            _ => written.push(c),
        }
    }
    written
}

/// Equations and mentions.
fn other(run: &RichText, names: &dyn Names) -> String {
    match &run.run {
        Run::Text { content, .. } => escaped(content),
        // With back ticks inside, so that nothing in it is markup. Source: recorded by users of the API, 2026.
        Run::Equation(expression) => format!("$`{}`$", expression.replace('\n', " ")),
        Run::Mention(mention) => match mention {
            Mention::User(id) => format!("<mention-user url=\"{}\"/>", address::of_user(*id)),
            Mention::Page(id) => format!("<mention-page url=\"{}\"/>", address::of_page(*id)),
            Mention::Database(id) => format!("<mention-database url=\"{}\"/>", address::of_page(*id)),
            Mention::Date(date) => mentioned_date(date),
            // The dialect has no words for a template's placeholders; how Notion writes them is not known.
            Mention::TemplateDate(which) => format!("@{which}"),
            Mention::TemplateUser => "@me".to_owned(),
            Mention::CustomEmoji(id) => {
                format!(":{}:", names.emoji_name(*id).unwrap_or_else(|| "emoji".to_owned()))
            }
        },
    }
}

fn mentioned_date(date: &DateValue) -> String {
    let zone = date.zone();
    let part = |day: &str, time: &str, text: &str| match Moment::parse(text, &zone) {
        None => String::new(),
        Some(Moment::Day(date)) => format!(" {day}=\"{date}\""),
        Some(Moment::Instant(at)) => {
            let local = with_offset(&at.to_zoned_datetime(zone.clone()));
            format!(" {day}=\"{}\" {time}=\"{}\"", &local[..10], &local[11..16])
        }
    };
    let start = part("start", "startTime", &date.start);
    let end = date.end.as_ref().map_or_else(String::new, |end| part("end", "endTime", end));
    let zone = date.time_zone.as_ref().map_or_else(String::new, |zone| format!(" timeZone=\"{zone}\""));
    format!("<mention-date{start}{end}{zone}/>")
}
