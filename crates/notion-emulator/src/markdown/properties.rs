//! What holds for all blocks and all texts: blocks written and read again are the same, as far as the dialect can say
//! them, and reading copes with anything.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::{DEPTH_MAX, Names, Node, SECTIONS, What, read, write};
use crate::content::block::{Body, Text};
use crate::content::date::DateValue;
use crate::content::file::{FileSource, Icon};
use crate::content::rich_text::{Annotations, COLORS, Mention, RichText, Run, plain};

/// One emoji, one page.
pub(super) struct Fixed;

pub(super) const PAGE: Uuid = Uuid::from_u128(0x393a_bc1e_edcd_8142_936b_cca8_ae69_2cc4);
const EMOJI: Uuid = Uuid::from_u128(0x393a_bc1e_edcd_8142_936b_cca8_ae69_2cc5);

impl Names for Fixed {
    fn page_of(&self, _: Uuid) -> Option<Uuid> {
        Some(PAGE)
    }

    fn file_url(&self, source: &FileSource) -> String {
        match source {
            FileSource::External(url) => url.clone(),
            FileSource::Uploaded(id) => id.to_string(),
        }
    }

    fn emoji_name(&self, id: Uuid) -> Option<String> {
        (id == EMOJI).then(|| "party_parrot".to_owned())
    }

    fn emoji_id(&self, name: &str) -> Option<Uuid> {
        (name == "party_parrot").then_some(EMOJI)
    }
}

fn color() -> impl Strategy<Value = &'static str> {
    let sayable: Vec<_> = COLORS.into_iter().filter(|color| *color != "default_background").collect();
    prop_oneof![3 => Just("default"), 1 => select(sayable)]
}

/// Text full of markup, without white space at its edges: there looks cannot hug it.
fn content() -> impl Strategy<Value = String> {
    let pattern = "[a-z0-9*_~`$<>{}|^!#+.()&:;\"'= \\[\\]\\\\\n-]{1,14}";
    pattern.prop_map(|text| text.trim().to_owned()).prop_filter("empty", |text| !text.is_empty())
}

fn url() -> impl Strategy<Value = String> {
    "https://[a-z]{1,6}\\.example/[a-z()?=&_*~#-]{0,10}"
}

fn look() -> impl Strategy<Value = Annotations> {
    let flag = || prop::bool::weighted(0.3);
    (flag(), flag(), flag(), flag(), color()).prop_map(|(bold, italic, strikethrough, underline, color)| {
        Annotations { bold, italic, strikethrough, underline, code: false, color }
    })
}

fn run() -> impl Strategy<Value = Run> {
    let date = DateValue {
        start: "2026-11-22T09:30:00.000+01:00".to_owned(),
        end: Some("2026-11-23".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
    };
    let mentions = [
        Mention::User(PAGE),
        Mention::Page(PAGE),
        Mention::Database(PAGE),
        Mention::CustomEmoji(EMOJI),
        Mention::Date(date),
        Mention::Date(DateValue { start: "2026-11-22".to_owned(), end: None, time_zone: None }),
    ];
    prop_oneof![
        6 => (content(), option::weighted(0.2, url()))
            .prop_map(|(content, link)| Run::Text { content, link }),
        1 => "[a-z^*\\\\{}_]{1,8}".prop_map(Run::Equation),
        1 => select(mentions.to_vec()).prop_map(Run::Mention),
    ]
}

/// Runs, neighbours of the same look joined, as the reader gives them.
fn rich_text() -> impl Strategy<Value = Vec<RichText>> {
    let run = (run(), look(), prop::bool::weighted(0.15)).prop_map(|(run, look, code)| {
        let run = match run {
            Run::Text { content, link } if code => Run::Text { content: content.replace('\n', " "), link },
            run => run,
        };
        let code = code && matches!(run, Run::Text { .. });
        RichText { run, annotations: Annotations { code, ..look } }
    });
    vec(run, 0..5).prop_map(|runs| {
        let mut joined: Vec<RichText> = Vec::new();
        for run in runs {
            match (joined.last_mut(), &run.run) {
                // Code joined to code would be read as one, and an address would swallow what follows.
                (Some(RichText { annotations, run: Run::Text { .. } }), Run::Text { .. })
                    if *annotations == run.annotations || (annotations.code && run.annotations.code) => {}
                _ => joined.push(run),
            }
        }
        joined
    })
}

fn text() -> impl Strategy<Value = Text> {
    (rich_text(), color()).prop_map(|(rich_text, color)| Text { rich_text, color })
}

/// Blocks that are one line and hold nothing.
fn leaf() -> impl Strategy<Value = Node> {
    let code = "[a-z`$*<>\\[\\]\t\n ]{0,30}";
    let media = (select(vec!["image", "video", "audio", "pdf"]), url(), rich_text());
    let icon = select(vec!["alias", "bookmark"]);
    let block = prop_oneof![
        (1..=4_u8, text()).prop_map(|(level, text)| Node::leaf(Body::Heading {
            level,
            text,
            is_toggleable: false
        })),
        code.prop_map(|code| Node::leaf(Body::Code {
            rich_text: plain(&code),
            caption: Vec::new(),
            language: "rust",
        })),
        "[a-z^_{}\\\\ \n]{0,20}".prop_map(|expression| Node::leaf(Body::Equation(expression))),
        Just(Node::leaf(Body::Divider)),
        color().prop_map(|color| Node::leaf(Body::TableOfContents { color })),
        media.prop_map(|(kind, url, caption)| {
            Node::leaf(Body::Media { kind, source: FileSource::External(url), caption, name: None })
        }),
    ];
    let named = prop_oneof![
        content().prop_map(|title| What::Page { title }),
        (content(), any::<bool>(), option::of(Just("📋".to_owned()))).prop_map(|(title, inline, icon)| {
            What::Database { title, inline, icon, data_source: Some(PAGE) }
        }),
        option::of(icon).prop_map(|alt| What::Unknown { alt: alt.map(str::to_owned) }),
    ];
    let named = named.prop_map(|what| Node { id: Some(PAGE), what, children: Vec::new() });
    prop_oneof![3 => block, 1 => named, 1 => table()]
}

fn table() -> impl Strategy<Value = Node> {
    let rows = (1..4_usize).prop_flat_map(|width| vec(vec(rich_text(), width), 1..4));
    (rows, any::<bool>(), any::<bool>()).prop_map(|(rows, has_column_header, has_row_header)| {
        let width = rows[0].len() as u64;
        let children = rows.into_iter().map(|row| Node::leaf(Body::TableRow(row))).collect();
        let body = Body::Table { width, has_column_header, has_row_header };
        Node { children, ..Node::leaf(body) }
    })
}

/// A block that holds others.
fn holder(children: impl Strategy<Value = Vec<Node>> + Clone + 'static) -> impl Strategy<Value = Node> {
    let icon = prop_oneof![
        Just(Icon::Emoji("💡".to_owned())),
        Just(Icon::CustomEmoji(EMOJI)),
        Just(Icon::Named { name: "bell_ringing".to_owned(), color: "gray" }),
        url().prop_map(|url| Icon::File(FileSource::External(url))),
    ];
    let body = prop_oneof![
        4 => text().prop_map(|text| Body::Paragraph { text, icon: None }),
        1 => (1..=4_u8, text()).prop_map(|(level, text)| Body::Heading { level, text, is_toggleable: true }),
        2 => text().prop_map(Body::BulletedListItem),
        2 => text().prop_map(|text| Body::NumberedListItem { text, start: None, format: None }),
        2 => (text(), any::<bool>()).prop_map(|(text, checked)| Body::ToDo { text, checked }),
        2 => text().prop_map(Body::Quote),
        2 => text().prop_map(Body::Toggle),
        2 => (text(), option::of(icon)).prop_map(|(text, icon)| Body::Callout { text, icon }),
    ];
    let columns = vec(children.clone(), 1..3).prop_map(|columns| {
        let columns = columns.into_iter();
        let column = |children| Node { children, ..Node::leaf(Body::Column { width_ratio: None }) };
        Node { children: columns.map(column).collect(), ..Node::leaf(Body::ColumnList) }
    });
    let synced = (children.clone(), select(vec![None, Some(PAGE)])).prop_map(|(children, from)| Node {
        id: if from.is_some() { None } else { Some(PAGE) },
        what: What::Block(Body::SyncedBlock { from }),
        children,
    });
    let meeting = (rich_text(), vec(children.clone(), 0..4)).prop_map(|(title, sections)| {
        let sections = SECTIONS.into_iter().zip(sections);
        let section = |(name, children)| Node { id: None, what: What::Section(name), children };
        Node { id: None, what: What::Meeting { title }, children: sections.map(section).collect() }
    });
    let other = (body, children).prop_map(|(body, children)| Node { children, ..Node::leaf(body) });
    prop_oneof![6 => other, 1 => columns, 1 => synced, 1 => meeting].prop_map(sayable)
}

/// Without what the dialect cannot say: an empty paragraph has no colour.
fn sayable(mut node: Node) -> Node {
    if let What::Block(Body::Paragraph { text, .. }) = &mut node.what
        && text.rich_text.is_empty()
    {
        text.color = "default";
    }
    node
}

fn blocks() -> impl Strategy<Value = Vec<Node>> {
    let any = leaf().prop_recursive(3, 12, 3, |inner| holder(vec(inner, 0..3)));
    vec(any, 0..5)
}

/// Text that is likely to be markup.
fn scraps() -> impl Strategy<Value = String> {
    let scraps = [
        "\n",
        "\n\t",
        "\n\t\t",
        "\n  ",
        " ",
        "a",
        "*",
        "**",
        "***",
        "~~",
        "`",
        "```",
        "$",
        "$$",
        "[",
        "](",
        ")",
        "](u)",
        "\\",
        "<br>",
        "<span color=\"red\">",
        "</span>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<callout icon=\"x\">",
        "</callout>",
        "<columns>",
        "</columns>",
        "<column>",
        "</column>",
        "<table>",
        "</table>",
        "<tr>",
        "<td>",
        "</td>",
        "<synced_block>",
        "</synced_block>",
        "- ",
        "- [ ] ",
        "1. ",
        "> ",
        "# ",
        "##### ",
        "---",
        "| a | b |",
        "|---|---|",
        "{color=\"red\"}",
        "{toggle=\"true\"}",
        "<empty-block/>",
        "<page url=\"",
        "\">",
        "</page>",
        "<mention-date start=\"2026-11-22\"/>",
        "https://x.example",
        "!",
        "é",
        "\u{2028}",
    ];
    vec(select(scraps.to_vec()), 0..40).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn blocks_written_and_read_again_are_the_same(blocks in blocks()) {
        let text = write::nodes(&blocks, &Fixed).text;
        prop_assert_eq!(read::nodes(&text, &Fixed), blocks, "{}", text);
    }

    #[test]
    fn any_text_is_read_and_its_blocks_have_a_text_of_their_own(text in prop_oneof![scraps(), any::<String>()]) {
        let blocks = read::nodes(&text, &Fixed);
        let written = write::nodes(&blocks, &Fixed).text;
        let again = write::nodes(&read::nodes(&written, &Fixed), &Fixed).text;
        prop_assert_eq!(again, written, "of {:?}", text);
    }
}

fn depth(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + depth(&node.children)).max().unwrap_or(0)
}

/// A reader that went over anything twice would take minutes for these; one without a limit would make trees too deep to
/// walk.
#[test]
fn texts_made_to_be_slow_or_deep_are_read_all_the_same() {
    let hostile = [
        "*a",
        "**a ",
        "`",
        "`a",
        "``a`",
        "[",
        "](",
        "[a](",
        "$a ",
        "$`",
        "<a \"",
        "<span color=\"red\">",
        "<details>\n",
        "<table>\n",
        "- ",
        "> ",
        "\t",
        "\n\t",
        "```\n",
        "$$\n",
        "<mention-user url=\"x\">",
        "https://",
        ":a",
        "|a",
        "\\",
        "{",
        "<callout>",
        "\n<callout>\n</details>",
        "![a](b",
        "| a |\n",
    ];
    for scrap in hostile {
        let text = scrap.repeat(100_000 / scrap.len());
        let blocks = read::nodes(&text, &Fixed);
        assert!(!blocks.is_empty() || text.trim().is_empty(), "{scrap:?}");
        assert!(depth(&blocks) <= DEPTH_MAX + 1, "{scrap:?}");
        assert!(!write::nodes(&blocks, &Fixed).text.is_empty() || blocks.is_empty(), "{scrap:?}");
    }
    let stairs: String = (0..1_000).map(|level| format!("{}- a\n", "\t".repeat(level))).collect();
    assert_eq!(depth(&read::nodes(&stairs, &Fixed)), DEPTH_MAX + 1);
}
