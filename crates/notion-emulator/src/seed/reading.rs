//! A reading list, shared by the studio; and the few pages of Ada's own workspace.

use serde_json::{Number, Value};

use super::planter::{Planter, bullet, choices, chosen, column, day, heading, paragraph, quote, time, to_do};
use super::{ADA, BOOKS, BOOKS_LIST, BOOKS_TABLE, HOME, NORTHWIND, PRIYA};
use crate::clock::Ids;
use crate::content::Content;
use crate::content::block::Parent;
use crate::content::property::{Kind, Stored, TITLE};
use crate::content::rich_text::plain;

pub(super) fn plant(content: &mut Content) {
    let mut planter = Planter {
        content,
        ids: Ids::series(12),
        workspace: NORTHWIND,
        by: PRIYA,
        at: time("2026-10-06T16:00:00Z"),
    };
    books(&mut planter);
    planter.workspace = HOME;
    planter.by = ADA;
    garden(&mut planter);
}

/// Title, author, state, rating, finished.
const READ: [(&str, &str, &str, Option<u32>, Option<&str>); 7] = [
    ("The Design of Everyday Things", "Donald A. Norman", "Read", Some(5), Some("2026-10-18")),
    ("A Pattern Language", "Christopher Alexander", "Reading", None, None),
    (
        "The Visual Display of Quantitative Information",
        "Edward R. Tufte",
        "Read",
        Some(4),
        Some("2026-09-27"),
    ),
    ("Thinking in Systems", "Donella H. Meadows", "Reading", None, None),
    ("The Mythical Man-Month", "Frederick P. Brooks Jr.", "Read", Some(4), Some("2026-11-01")),
    ("How Buildings Learn", "Stewart Brand", "Next", None, None),
    ("The Shape of Design", "Frank Chimero", "Next", None, None),
];

fn books(planter: &mut Planter<'_>) {
    let intro = vec![
        paragraph("Add what others should read, with one sentence that says why."),
        quote("Nobody has to finish a book here. Saying that you stopped is a review too."),
    ];
    let list = planter.page(None, Parent::Workspace, "📚", "Reading list", intro);
    let states = [("Next", "gray"), ("Reading", "blue"), ("Read", "green")];
    let state = Kind::Select(choices(&mut planter.ids, &states));
    let columns = vec![
        column(TITLE, "Title", Kind::Title),
        column("auth", "Author", Kind::RichText),
        column("st:t", "State", state.clone()),
        column("r@te", "Rating", Kind::Number { format: "number" }),
        column("fin=", "Finished", Kind::Date),
    ];
    planter.table([BOOKS, BOOKS_TABLE], list, "📖", "Books", columns);
    planter.tab(BOOKS_LIST, [BOOKS, BOOKS_TABLE], "table", "All books", Value::Null);
    for (title, author, where_to, rating, finished) in READ {
        let mut cells =
            vec![("auth", Stored::Text(plain(author))), ("st:t", Stored::Choice(chosen(&state, where_to)))];
        cells.extend(rating.map(|stars| ("r@te", Stored::Number(Number::from(stars)))));
        cells.extend(finished.map(|on| ("fin=", day(on, None))));
        planter.row(BOOKS_TABLE, "", title, cells, Vec::new());
    }
}

fn garden(planter: &mut Planter<'_>) {
    planter.at = time("2026-10-25T07:45:00Z");
    planter.page(
        None,
        Parent::Workspace,
        "🌱",
        "Kitchen garden",
        vec![
            heading(2, "Before the frost"),
            to_do(true, "Bring in the lemon tree"),
            to_do(false, "Cover the leeks"),
            heading(2, "Next year"),
            bullet("Fewer courgettes"),
            bullet("Beans along the fence again"),
        ],
    );
}
