//! The workspace of a small design studio in November 2026: a home page, a project tracker, meeting notes, and a page that
//! Ada keeps to herself.

use serde_json::{Number, Value, json};
use uuid::Uuid;

use super::planter::{
    Planter, bullet, callout, choices, chosen, code, column, day, heading, numbered, paragraph, quote,
    status, time, to_do,
};
use super::{ADA, NORTHWIND, PRIYA, ROOT_PAGE, TOMAS, TRACKER, TRACKER_BOARD, TRACKER_LIST, TRACKER_TABLE};
use crate::clock::Ids;
use crate::content::Content;
use crate::content::block::{Body, MeetingNotes, Parent, Text};
use crate::content::property::{Kind, Stored, TITLE};
use crate::content::rich_text::{Mention, RichText, Run, plain};

pub(super) fn plant(content: &mut Content) {
    let mut planter = Planter {
        content,
        ids: Ids::series(11),
        workspace: NORTHWIND,
        by: ADA,
        at: time("2026-10-01T08:30:00Z"),
    };
    home(&mut planter);
    tracker(&mut planter);
    meetings(&mut planter);
    private(&mut planter);
    kickoff(&mut planter);
}

fn home(planter: &mut Planter<'_>) {
    planter.page(
        Some(ROOT_PAGE),
        Parent::Workspace,
        "🏠",
        "Product home",
        vec![
            callout("👋", "New here? Read the meeting notes of the last two weeks, then pick something from the tracker."),
            heading(2, "This quarter"),
            paragraph("We ship the **partner portal** before the winter break, and nothing else that is new."),
            bullet("Partners can invite their own team"),
            bullet("Invoices arrive as PDF, not as a link"),
            bullet("The old import keeps working until March"),
            heading(2, "Before every release"),
            to_do(true, "Changelog reviewed by somebody who did not write it"),
            to_do(true, "Migration tried on a copy of production"),
            to_do(false, "Status page drafted"),
            to_do(false, "Support knows what changes on Thursday"),
            Body::Divider,
        ],
    );
}

/// One project: title, emoji, status, priority, team, people, days, estimate, done-ness of design, ticket.
struct Project {
    title: &'static str,
    emoji: &'static str,
    status: &'static str,
    priority: &'static str,
    areas: &'static [&'static str],
    people: &'static [Uuid],
    days: Option<(&'static str, Option<&'static str>)>,
    estimate: Option<u32>,
    designed: bool,
    ticket: Option<&'static str>,
    summary: &'static str,
}

const PROJECTS: [Project; 14] = [
    Project {
        title: "Partner portal: invitations",
        emoji: "✉️",
        status: "In progress",
        priority: "High",
        areas: &["Web", "API"],
        people: &[ADA, TOMAS],
        days: Some(("2026-11-02", Some("2026-11-27"))),
        estimate: Some(8),
        designed: true,
        ticket: Some("https://tickets.northwind.example/412"),
        summary: "A partner invites colleagues by e-mail; links live for a week.",
    },
    Project {
        title: "Partner portal: roles",
        emoji: "🔑",
        status: "Not started",
        priority: "High",
        areas: &["API"],
        people: &[TOMAS],
        days: Some(("2026-11-30", Some("2026-12-11"))),
        estimate: Some(5),
        designed: true,
        ticket: Some("https://tickets.northwind.example/413"),
        summary: "Owner, editor, reader. No custom roles this year.",
    },
    Project {
        title: "Invoices as PDF",
        emoji: "🧾",
        status: "In review",
        priority: "Medium",
        areas: &["Billing"],
        people: &[PRIYA],
        days: Some(("2026-10-26", Some("2026-11-20"))),
        estimate: Some(5),
        designed: true,
        ticket: Some("https://tickets.northwind.example/398"),
        summary: "Attach the PDF to the mail; keep the link for auditors.",
    },
    Project {
        title: "Search that forgives typos",
        emoji: "🔎",
        status: "In progress",
        priority: "Medium",
        areas: &["Web", "Data"],
        people: &[PRIYA, ADA],
        days: Some(("2026-11-09", None)),
        estimate: Some(13),
        designed: false,
        ticket: Some("https://tickets.northwind.example/405"),
        summary: "Trigram index first; measure before anything cleverer.",
    },
    Project {
        title: "Retire the old import",
        emoji: "🪦",
        status: "Not started",
        priority: "Low",
        areas: &["Data"],
        people: &[],
        days: Some(("2027-03-01", None)),
        estimate: Some(3),
        designed: false,
        ticket: None,
        summary: "Three customers still use it; write to them in January.",
    },
    Project {
        title: "Status page",
        emoji: "🚦",
        status: "Done",
        priority: "Medium",
        areas: &["Web"],
        people: &[TOMAS],
        days: Some(("2026-10-05", Some("2026-10-16"))),
        estimate: Some(2),
        designed: true,
        ticket: Some("https://tickets.northwind.example/377"),
        summary: "Hosted elsewhere on purpose.",
    },
    Project {
        title: "Faster first paint",
        emoji: "⚡",
        status: "Done",
        priority: "High",
        areas: &["Web"],
        people: &[ADA],
        days: Some(("2026-10-12", Some("2026-10-30"))),
        estimate: Some(8),
        designed: true,
        ticket: Some("https://tickets.northwind.example/381"),
        summary: "From 2.9 to 1.1 seconds on a mid-range phone.",
    },
    Project {
        title: "Two-factor login",
        emoji: "📱",
        status: "Done",
        priority: "High",
        areas: &["API", "Web"],
        people: &[TOMAS, PRIYA],
        days: Some(("2026-09-14", Some("2026-10-09"))),
        estimate: Some(8),
        designed: true,
        ticket: Some("https://tickets.northwind.example/355"),
        summary: "Passkeys first, codes as the fallback.",
    },
    Project {
        title: "Audit log export",
        emoji: "📤",
        status: "Not started",
        priority: "Medium",
        areas: &["API"],
        people: &[PRIYA],
        days: Some(("2026-12-07", None)),
        estimate: Some(3),
        designed: false,
        ticket: Some("https://tickets.northwind.example/420"),
        summary: "CSV and JSON lines, by month.",
    },
    Project {
        title: "Empty states",
        emoji: "🫙",
        status: "In progress",
        priority: "Low",
        areas: &["Web"],
        people: &[ADA],
        days: Some(("2026-11-16", Some("2026-11-25"))),
        estimate: Some(2),
        designed: true,
        ticket: None,
        summary: "Every list says what would be there and how to get it.",
    },
    Project {
        title: "Database upgrade",
        emoji: "🗄",
        status: "In review",
        priority: "High",
        areas: &["Data"],
        people: &[TOMAS],
        days: Some(("2026-11-21", None)),
        estimate: Some(5),
        designed: false,
        ticket: Some("https://tickets.northwind.example/417"),
        summary: "Rehearsed twice; forty seconds of read-only.",
    },
    Project {
        title: "Accessibility pass",
        emoji: "♿",
        status: "Not started",
        priority: "Medium",
        areas: &["Web"],
        people: &[ADA, PRIYA],
        days: None,
        estimate: None,
        designed: false,
        ticket: None,
        summary: "Keyboard first, then screen readers, then contrast.",
    },
    Project {
        title: "Webhooks for partners",
        emoji: "🪝",
        status: "Not started",
        priority: "Low",
        areas: &["API"],
        people: &[],
        days: None,
        estimate: Some(13),
        designed: false,
        ticket: None,
        summary: "Waits for roles.",
    },
    Project {
        title: "Holiday banner",
        emoji: "🎄",
        status: "Not started",
        priority: "Low",
        areas: &["Web"],
        people: &[PRIYA],
        days: Some(("2026-12-18", None)),
        estimate: Some(1),
        designed: false,
        ticket: None,
        summary: "Small, dismissible, gone on 2 January.",
    },
];

fn tracker(planter: &mut Planter<'_>) {
    let states =
        [("Not started", "default"), ("In progress", "blue"), ("In review", "yellow"), ("Done", "green")];
    let status = status(&mut planter.ids, &states);
    let priority =
        Kind::Select(choices(&mut planter.ids, &[("High", "red"), ("Medium", "yellow"), ("Low", "gray")]));
    let areas = [("Web", "blue"), ("API", "purple"), ("Data", "green"), ("Billing", "orange")];
    let areas = Kind::MultiSelect(choices(&mut planter.ids, &areas));
    let columns = vec![
        column(TITLE, "Name", Kind::Title),
        column("stat", "Status", status.clone()),
        column("pr:o", "Priority", priority.clone()),
        column("ar@s", "Area", areas.clone()),
        column("who~", "Owner", Kind::People),
        column("day=", "Dates", Kind::Date),
        column("est_", "Estimate", Kind::Number { format: "number" }),
        column("dsg|", "Designed", Kind::Checkbox),
        column("tkt?", "Ticket", Kind::Url),
        column("sum^", "Summary", Kind::RichText),
        column("num<", "ID", Kind::UniqueId { prefix: Some("NW".to_owned()) }),
        column("crt>", "Created", Kind::CreatedTime),
    ];
    planter.table([TRACKER, TRACKER_TABLE], ROOT_PAGE, "📋", "Project tracker", columns);
    tracker_views(planter);
    for (number, project) in (1..).zip(&PROJECTS) {
        planter.at = time("2026-10-02T09:00:00Z") + jiff::SignedDuration::from_hours(26 * number);
        let area = |name: &&str| chosen(&areas, name);
        let mut cells = vec![
            ("stat", Stored::Choice(chosen(&status, project.status))),
            ("pr:o", Stored::Choice(chosen(&priority, project.priority))),
            ("ar@s", Stored::Choices(project.areas.iter().map(area).collect())),
            ("who~", Stored::People(project.people.to_vec())),
            ("dsg|", Stored::Checkbox(project.designed)),
            ("sum^", Stored::Text(plain(project.summary))),
            ("num<", Stored::UniqueId(number.unsigned_abs())),
        ];
        cells.extend(project.days.map(|(start, end)| ("day=", day(start, end))));
        cells.extend(project.estimate.map(|days| ("est_", Stored::Number(Number::from(days)))));
        cells.extend(project.ticket.map(|url| ("tkt?", Stored::Line(url.to_owned()))));
        planter.row(TRACKER_TABLE, project.emoji, project.title, cells, vec![paragraph(project.summary)]);
    }
    if let Some(table) = planter.content.data_sources.get_mut(&TRACKER_TABLE) {
        table.last_unique_id = PROJECTS.len() as u64;
    }
    templates(planter, &status, &priority);
}

/// What new projects and bugs look like.
fn templates(planter: &mut Planter<'_>, status: &Kind, priority: &Kind) {
    planter.at = time("2026-10-05T12:00:00Z");
    let begun = RichText { run: Run::Mention(Mention::TemplateDate("today")), ..RichText::plain("") };
    let by = RichText { run: Run::Mention(Mention::TemplateUser), ..RichText::plain("") };
    let started = Text {
        rich_text: vec![RichText::plain("Started "), begun, RichText::plain(" by "), by],
        color: "default",
    };
    let project = vec![
        Body::Paragraph { text: started, icon: None },
        heading(2, "Why"),
        heading(2, "Not in it"),
        to_do(false, "Somebody else has read this"),
    ];
    let cells = vec![("stat", Stored::Choice(chosen(status, "Not started")))];
    let project = planter.row(TRACKER_TABLE, "🌱", "New project", cells, project);
    let bug = vec![heading(2, "Seen"), heading(2, "Expected"), numbered("First, …")];
    let cells = vec![("pr:o", Stored::Choice(chosen(priority, "High")))];
    let bug = planter.row(TRACKER_TABLE, "🐞", "Bug", cells, bug);
    planter.content.make_template(project, true);
    planter.content.make_template(bug, false);
}

fn tracker_views(planter: &mut Planter<'_>) {
    let over = [TRACKER, TRACKER_TABLE];
    planter.tab(TRACKER_LIST, over, "table", "All projects", Value::Null);
    let by_status =
        json!({"type": "status", "property_id": "stat", "group_by": "option", "sort": {"type": "manual"}});
    let settings = json!({"type": "board", "group_by": by_status});
    planter.tab(TRACKER_BOARD, over, "board", "By status", settings);
}

fn meetings(planter: &mut Planter<'_>) {
    planter.at = time("2026-11-10T10:00:00Z");
    let intro = vec![paragraph("One page a week. Decisions go to the top, the rest may be forgotten.")];
    let notes = planter.page(None, Parent::Page(ROOT_PAGE), "🗒️", "Meeting notes", intro);
    planter.page(
        None,
        Parent::Page(notes),
        "📅",
        "Weekly sync, 10 November 2026",
        vec![
            heading(2, "Decided"),
            bullet("Invitations go out in two steps: own team first, partners a week later"),
            bullet("No work on the old import before March"),
            heading(2, "To do"),
            to_do(true, "Priya: measure search on last month's queries"),
            to_do(true, "Tomás: second rehearsal of the database upgrade"),
            to_do(false, "Ada: write to the three customers with custom fonts"),
            heading(2, "Heard"),
            quote("If the invoice were simply in the mail, I would never log in. That is a compliment."),
        ],
    );
    planter.at = time("2026-11-17T10:00:00Z");
    planter.by = TOMAS;
    planter.page(
        None,
        Parent::Page(notes),
        "📅",
        "Weekly sync, 17 November 2026",
        vec![
            heading(2, "Decided"),
            bullet("The database upgrade runs on Saturday the 21st at 07:00"),
            bullet("Roles stay at three; we say no to custom ones until summer"),
            heading(2, "To do"),
            to_do(true, "Tomás: announce the read-only minute"),
            to_do(false, "Ada: empty states for the portal's lists"),
            to_do(false, "Priya: pick the typo threshold and write down why"),
            to_do(false, "Everybody: holidays into the calendar by Friday"),
            heading(2, "The upgrade, step by step"),
            numbered("Switch to read-only and say so on the status page"),
            numbered("Copy, check the row counts, switch over"),
            numbered("Wait for one green health check"),
            code("bash", "pg_upgrade --link --check\npg_upgrade --link"),
            callout("⏱️", "Rehearsals took 38 and 41 seconds."),
        ],
    );
}

fn private(planter: &mut Planter<'_>) {
    planter.at = time("2026-11-18T18:20:00Z");
    planter.by = ADA;
    let lines = vec![
        paragraph("Things I would rather think about alone first."),
        bullet("Is the portal one product or two?"),
        bullet("Ask Priya whether she would lead search"),
    ];
    let page = planter.page(None, Parent::Workspace, "✏️", "Ada's drafts", lines);
    if let Some(page) = planter.content.pages.get_mut(&page) {
        page.private_to = Some(ADA);
    }
}

/// A page with what only the app can make: notes of a meeting, an unfurled link, a kind that the API does not know.
fn kickoff(planter: &mut Planter<'_>) {
    planter.at = time("2026-11-19T13:00:00Z");
    planter.by = PRIYA;
    let page = planter.page(None, Parent::Page(ROOT_PAGE), "🎬", "Portal kickoff", Vec::new());
    let meeting = MeetingNotes {
        title: plain("Portal kickoff"),
        status: "notes_ready",
        summary: None,
        notes: None,
        transcript: None,
        recording: Some((time("2026-11-19T13:02:00Z"), time("2026-11-19T13:31:00Z"))),
    };
    let meeting = planter.block(Parent::Page(page), Body::MeetingNotes(meeting));
    let [summary, notes, transcript] = [
        "Invitations first, roles second; the banner is nobody's priority.",
        "Tomás shows the invitation mail on Monday.",
        "Right, shall we start with invitations?",
    ]
    .map(|words| planter.block(Parent::Block(meeting), paragraph(words)));
    if let Some(block) = planter.content.blocks.get_mut(&meeting)
        && let Body::MeetingNotes(of) = &mut block.body
    {
        (of.summary, of.notes, of.transcript) = (Some(summary), Some(notes), Some(transcript));
    }
    planter.blocks(
        Parent::Page(page),
        vec![
            Body::LinkPreview("https://tickets.northwind.example/412".to_owned()),
            Body::Unsupported { block_type: "button".to_owned() },
        ],
    );
}
