//! What stands behind each endpoint of the emulator, as a page: where its shape comes from in each version, and which stories
//! hold its rules. `docs/fidelity.md` is this page; a test keeps it so.

use super::story::{Basis, Story};

/// When the recorded answers were made and last replayed, and when documents and types were last read.
const CHECKED: &str = "Recorded answers are of July 2026, version 2025-09-03, and were last replayed on 2026-11-28; other \
    people's recordings of May 2024 to June 2026 stand behind the stories that do not come from them. Notion's \
    documentation was last read on 2026-11-22; the types are those of `@notionhq/client` 5.26.0, read by every test run.";

const R: Option<Basis> = Some(Basis::Recorded);
const D: Option<Basis> = Some(Basis::Documented);
const G: Option<Basis> = Some(Basis::Guessed);
/// A version that does not have the endpoint.
const NONE: Option<Basis> = None;

/// Method, path, and where the shape of its answers comes from in 2022-06-28, 2025-09-03 and 2026-03-11.
pub(super) const ENDPOINTS: [(&str, &str, [Option<Basis>; 3]); 46] = [
    ("GET", "users", [D, R, D]),
    ("GET", "users/me", [D, R, D]),
    ("GET", "users/:id", [D, R, D]),
    ("POST", "search", [D, R, D]),
    ("POST", "pages", [D, R, D]),
    ("GET", "pages/:id", [D, R, D]),
    ("PATCH", "pages/:id", [D, R, D]),
    ("POST", "pages/:id/move", [G, R, D]),
    ("GET", "pages/:id/properties/:property", [D, R, D]),
    ("GET", "pages/:id/markdown", [G, R, D]),
    ("PATCH", "pages/:id/markdown", [G, R, D]),
    ("GET", "blocks/:id", [D, R, D]),
    ("PATCH", "blocks/:id", [D, R, D]),
    ("DELETE", "blocks/:id", [D, R, D]),
    ("GET", "blocks/:id/children", [D, R, D]),
    ("PATCH", "blocks/:id/children", [D, R, D]),
    ("POST", "databases", [D, R, D]),
    ("GET", "databases", [D, NONE, NONE]),
    ("GET", "databases/:id", [D, R, D]),
    ("PATCH", "databases/:id", [D, R, D]),
    ("POST", "databases/:id/query", [D, NONE, NONE]),
    ("POST", "data_sources", [G, R, D]),
    ("GET", "data_sources/:id", [G, R, D]),
    ("PATCH", "data_sources/:id", [G, R, D]),
    ("POST", "data_sources/:id/query", [G, R, D]),
    ("GET", "data_sources/:id/templates", [G, R, D]),
    ("GET", "views", [G, R, D]),
    ("POST", "views", [G, R, D]),
    ("GET", "views/:id", [G, R, D]),
    ("PATCH", "views/:id", [G, R, D]),
    ("DELETE", "views/:id", [G, R, D]),
    ("POST", "views/:id/queries", [G, R, D]),
    ("GET", "views/:id/queries/:query", [G, R, D]),
    ("DELETE", "views/:id/queries/:query", [G, R, D]),
    ("GET", "comments", [D, R, D]),
    ("POST", "comments", [D, R, D]),
    ("GET", "comments/:id", [D, R, D]),
    ("PATCH", "comments/:id", [D, R, D]),
    ("DELETE", "comments/:id", [D, R, D]),
    ("GET", "file_uploads", [D, R, D]),
    ("POST", "file_uploads", [D, R, D]),
    ("GET", "file_uploads/:id", [D, R, D]),
    ("POST", "file_uploads/:id/send", [D, R, D]),
    ("POST", "file_uploads/:id/complete", [D, D, D]),
    ("GET", "custom_emojis", [D, R, D]),
    ("GET", "async_tasks/:id", [D, R, D]),
];

/// The token endpoints, which know no version.
const OAUTH: [(&str, &str); 3] =
    [("POST", "oauth/token"), ("POST", "oauth/introspect"), ("POST", "oauth/revoke")];

/// The page.
pub(super) fn page(stories: &[Story]) -> String {
    let row = |(method, path, shapes): &(&str, &str, [Option<Basis>; 3])| {
        let shapes = shapes.map(|shape| shape.map_or("–", Basis::name)).join(" | ");
        format!("| `{method} /v1/{path}` | {shapes} | {} |\n", rules(method, path, stories))
    };
    let oauth = |(method, path): &(&str, &str)| {
        format!("| `{method} /v1/{path}` | {} |\n", rules(method, path, stories))
    };
    let questions = stories.iter().filter(|story| story.basis == Basis::Guessed);
    let questions = questions.map(|story| format!("- {} (`{}`)\n", story.asks, story.name));
    [
        "# How far the emulator can be trusted\n\n".to_owned(),
        "Made by `vestibule verify --fidelity`; do not edit.\n\n".to_owned(),
        "- **recorded**: seen in answers of the real Notion. The 332 of July 2026 are replayed.\n".to_owned(),
        "- **documented**: said in Notion's documentation or the types of its client.\n".to_owned(),
        "- **reported**: users of Notion quote it, or measured it, in public.\n".to_owned(),
        "- **guessed**: nobody outside Notion knows; the emulator does what seems likely.\n\n".to_owned(),
        format!("{CHECKED}\n\n"),
        "Shapes of answers are held against the client's types in every test run, strictly, for 2025-09-03 and 2026-03-11. \
         Rules are the stories of `vestibule verify` that call the endpoint, by what stands behind them. Anybody with a token \
         can tell them to the real Notion (`vestibule verify --url https://api.notion.com …`) and send us the report.\n\n"
            .to_owned(),
        "| endpoint | shape in 2022-06-28 | in 2025-09-03 | in 2026-03-11 | rules |\n|---|---|---|---|---|\n".to_owned(),
        ENDPOINTS.iter().map(row).collect(),
        "\nOlder versions are answered as 2022-06-28. The token endpoints know no version, and were never recorded:\n\n\
         | endpoint | rules |\n|---|---|\n"
            .to_owned(),
        OAUTH.iter().map(oauth).collect(),
        "\nAgents, sessions, threads, external agents and the making of meeting notes answer 501.\n\n## Open questions\n\n\
         What the guessed stories ask; a report settles them.\n\n"
            .to_owned(),
        questions.collect(),
    ]
    .concat()
}

/// How many stories call an endpoint, by basis.
fn rules(method: &str, path: &str, stories: &[Story]) -> String {
    let calls =
        |story: &&Story| story.steps.iter().any(|step| step.method == method && is_at(&step.path, path));
    let count = |basis: Basis| stories.iter().filter(calls).filter(|story| story.basis == basis).count();
    let counts = [Basis::Recorded, Basis::Documented, Basis::Reported, Basis::Guessed]
        .map(|basis| (count(basis), basis));
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, basis)| format!("{count} {}", basis.name()))
        .collect();
    if words.is_empty() { "no story yet".to_owned() } else { words.join(", ") }
}

/// Whether a story's path (with its names and query) is of this endpoint.
fn is_at(step: &str, path: &str) -> bool {
    let step = step.trim_start_matches("/v1/").split('?').next().unwrap_or_default();
    let (step, path): (Vec<&str>, Vec<&str>) = (step.split('/').collect(), path.split('/').collect());
    step.len() == path.len()
        && step.iter().zip(&path).all(|(step, path)| path.starts_with(':') && *step != "me" || step == path)
}

#[cfg(test)]
mod tests {
    use super::super::story;
    use super::*;

    #[test]
    fn the_page_in_the_documents_is_this_one() {
        let stories = story::all().expect("they read");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fidelity.md");
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        assert!(kept == page(&stories), "`vestibule verify --fidelity > docs/fidelity.md` makes it anew");
    }

    #[test]
    fn every_method_of_the_client_is_on_it() {
        // The list that the tests check answers with.
        let types = include_str!("../../../../tests/node/types.js");
        for line in
            types.lines().filter(|line| line.trim_start().starts_with("[\"") && line.contains("Response\"]"))
        {
            let mut words = line.split('"').skip(1).step_by(2);
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            assert!(
                ENDPOINTS.iter().any(|(m, p, _)| *m == method && *p == path),
                "{method} {path} is missing"
            );
        }
    }

    #[test]
    fn a_storys_path_finds_its_endpoint() {
        assert!(is_at("/v1/pages/{page}/properties/title", "pages/:id/properties/:property"));
        assert!(is_at("/v1/comments?block_id={root}", "comments"));
        assert!(!is_at("/v1/users/me", "users/:id"));
    }
}
