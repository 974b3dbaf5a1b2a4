//! Tags: `<name attribute="value">`, with or without an end, and the attribute lists in braces that lines end with.

/// The longest tag, in bytes: an address of 2,000 characters and room for the rest. Longer is text.
const TAG_MAX: usize = 8 * 1024;

/// A tag as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) attributes: Vec<(&'a str, &'a str)>,
    /// `</name>`
    pub(super) closes: bool,
    /// `<name/>`
    pub(super) is_empty: bool,
    /// How many bytes it takes.
    pub(super) length: usize,
}

impl<'a> Tag<'a> {
    /// The tag at the start of `text`.
    pub(super) fn at(text: &'a str) -> Option<Self> {
        let inner_and_more = text.strip_prefix('<')?;
        let end = end_of(inner_and_more)?;
        let inner = &inner_and_more[..end];
        let (closes, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let (is_empty, inner) = match inner.strip_suffix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name_end = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(name_end);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        Some(Self { name, attributes: attributes(rest)?, closes, is_empty, length: end + 2 })
    }

    /// An attribute's value.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(had, _)| *had == name).map(|(_, value)| *value)
    }

    /// Whether an attribute says `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
}

/// Where the tag ends: the first `>` outside quotes.
fn end_of(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate().take(TAG_MAX) {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            b'<' | b'\n' if !quoted => return None,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// `key="value"` pairs with white space between; `None` if anything else is there.
pub(super) fn attributes(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, more) = rest.split_once("=\"")?;
        let (value, more) = more.split_once('"')?;
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return None;
        }
        found.push((key, value));
        rest = more.trim_start();
    }
    Some(found)
}

/// Splits the attribute list off a line: `text {color="blue"}`.
pub(super) fn split_list(line: &str) -> (&str, Vec<(&str, &str)>) {
    let whole = (line, Vec::new());
    let Some(inner) = line.trim_end().strip_suffix('}') else { return whole };
    let Some(open) = inner.rfind('{') else { return whole };
    let (before, list) = (&inner[..open], &inner[open + 1..]);
    let stands_free = before.is_empty() || before.ends_with([' ', '\t']);
    match attributes(list) {
        Some(list) if stands_free && !list.is_empty() => (before.trim_end(), list),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_with_its_attributes() {
        let tag = Tag::at("<callout icon=\"💡\" color=\"gray_bg\">text").expect("a tag");
        assert_eq!((tag.name, tag.get("icon"), tag.get("color")), ("callout", Some("💡"), Some("gray_bg")));
        assert_eq!(&"<callout icon=\"💡\" color=\"gray_bg\">text"[tag.length..], "text");
        let tag = Tag::at("<empty-block/>").expect("a tag");
        assert!(tag.is_empty && !tag.closes);
        assert!(Tag::at("</details>").expect("a tag").closes);
        for text in ["< a>", "<a b>", "<1>", "<a", "<a <b>", "a"] {
            assert_eq!(Tag::at(text), None, "{text}");
        }
    }

    #[test]
    fn an_attribute_list_stands_free_at_the_end() {
        assert_eq!(split_list("a {color=\"red\"}"), ("a", vec![("color", "red")]));
        assert_eq!(split_list("a {b}"), ("a {b}", Vec::new()));
        assert_eq!(split_list("a{color=\"red\"}").0, "a{color=\"red\"}");
    }
}
