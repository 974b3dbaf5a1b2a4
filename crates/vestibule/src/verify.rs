//! `vestibule verify`: short stories of calls with what we believe of Notion's answers, told to the emulator or to the real
//! Notion. It prints where belief and answer differ, as a report that can be sent to us: nobody on the project's side can
//! ask Notion itself.

#![expect(clippy::disallowed_methods, reason = "the token comes from the environment")]

mod fidelity;
mod pattern;
mod replay;
mod report;
mod story;
mod target;
mod tell;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use gateway::Secret;
use notion_emulator::{Capabilities, Client, Emulator, Options, Running};
use serde_json::{Value, json};

use crate::args::OutputArgs;
use crate::http_client::parse_base;
use crate::output::{Output, print, print_json};
use crate::{Usage, prompt};
use report::Report;
use story::{CallerKind, Needs, Story};
use target::{Body, Call, Target};
use tell::Names;

pub(crate) const EXAMPLE: &str = "Example:
  vestibule verify                                   against the emulator
  vestibule verify --replay exchanges.jsonl          recorded exchanges, against the emulator
  export VESTIBULE_VERIFY_TOKEN=ntn_…
  vestibule verify --url https://api.notion.com --root-page 0123…cdef --plan";

/// Between two calls to the real Notion: 180 a minute are allowed. Source: Notion, "Request limits" (autumn 2026).
const PAUSE: Duration = Duration::from_millis(400);

/// Flags of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Notion to ask; without it, an emulator that is started for the purpose
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A page that the token reaches: everything happens in a page made below it, and that is trashed at the end
    #[arg(long, value_name = "ID", requires = "url")]
    root_page: Option<String>,
    /// The integration's client id, for stories about tokens; its secret comes from `VESTIBULE_VERIFY_CLIENT_SECRET`
    #[arg(long, value_name = "ID", requires = "url")]
    client_id: Option<String>,
    /// Tell also the stories that use up the authorization, whose refresh token comes from `VESTIBULE_VERIFY_REFRESH_TOKEN`
    #[arg(long, requires = "client_id")]
    spend_grant: bool,
    /// Only stories whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print what would be asked, and ask nothing
    #[arg(long)]
    plan: bool,
    /// Print what stands behind each endpoint of the emulator, as a page
    #[arg(long)]
    fidelity: bool,
    /// The plan was read: do not ask
    #[arg(long)]
    yes: bool,
    /// Replay recorded exchanges instead, one JSON object a line (`vestibule emulate --record` writes such files)
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Whom the stories are told to, and what for.
struct Setting {
    target: Target,
    root: String,
    has: Needs,
    /// What stories know by name besides: tokens, and whether lists of what a seed has hold something.
    names: Vec<(&'static str, String)>,
    /// The emulator, if it is one, as long as it is needed.
    _emulator: Option<Running>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let stories = chosen(&args)?;
    if args.fidelity {
        return print(&fidelity::page(&stories)).map(|()| ExitCode::SUCCESS);
    }
    if args.plan {
        return plan(&args, &stories).map(|()| ExitCode::SUCCESS);
    }
    let setting = match &args.url {
        Some(url) => Some(real(&args, url)?),
        None => None,
    };
    if setting.is_some() && !args.yes {
        if !prompt::somebody_is_there() {
            return Err(Usage("read the plan (--plan), then add --yes".to_owned()).into());
        }
        plan(&args, &stories)?;
        if !prompt::confirm("Go ahead?")? {
            bail!("nothing was asked");
        }
    }
    let mut setting = match setting {
        Some(setting) => setting,
        None => emulated(args.replay.is_none()).await?,
    };
    match &args.replay {
        Some(file) => replay_file(&args, &mut setting, file).await,
        None => tell_all(&args, setting, stories).await,
    }
}

fn chosen(args: &Args) -> anyhow::Result<Vec<Story>> {
    let mut stories = story::all()?;
    if let Some(only) = &args.only {
        stories.retain(|story| story.name.contains(only.as_str()));
        if stories.is_empty() {
            return Err(Usage(format!("no story's name contains {only:?}: `--plan` lists them")).into());
        }
    }
    Ok(stories)
}

/// Says what would happen.
fn plan(args: &Args, stories: &[Story]) -> anyhow::Result<()> {
    let has = match (args.url.is_none() || args.spend_grant, args.client_id.is_some()) {
        (true, _) => Needs::Grant,
        (false, true) => Needs::Client,
        (false, false) => Needs::Token,
    };
    let told: Vec<&Story> = stories.iter().filter(|story| story.needs <= has).collect();
    let calls: usize = told.iter().map(|story| story.steps.len()).sum::<usize>() + 3;
    let mut parts = Vec::new();
    for story in &told {
        parts.push(format!("{} ({}): {}\n", story.name, story.basis.name(), story.asks));
        parts.extend(story.steps.iter().map(|step| format!("  {:6} {}\n", step.method, step.path)));
    }
    let seconds = PAUSE.as_secs_f64() * f64::from(u32::try_from(calls).unwrap_or(u32::MAX));
    parts.push(format!(
        "\n{} stories, {calls} calls, about {seconds:.0} seconds at Notion. They make one page below the root page, work only in it, and move it to the trash at the end.\n",
        told.len()
    ));
    if args.spend_grant {
        parts.push(
            "With --spend-grant the authorization behind the refresh token is gone afterwards.\n".to_owned(),
        );
    }
    print(&parts.concat())
}

/// An emulator with everything that a story may need. A replay needs no authorization: its bot would be one more user.
async fn emulated(with_grant: bool) -> anyhow::Result<Setting> {
    let client = Client {
        client_id: "verify".to_owned(),
        client_secret: "verify-secret".to_owned(),
        name: "Verify".to_owned(),
        redirect_uris: vec!["http://localhost/verify".to_owned()],
        capabilities: Capabilities::default(),
    };
    let running = Emulator::start(Options { clients: vec![client], ..Options::default() }).await?;
    let emulator = &running.emulator;
    let token = Secret::new(emulator.internal_token());
    let secret = Secret::new("verify-secret".to_owned());
    let mut target = Target::new(&running.url, token, Some(("verify".to_owned(), secret)), Duration::ZERO)?;
    let mut names = vec![("seeded", "<some>".to_owned())];
    if with_grant {
        let code = emulator.consent("verify").context("the emulator gives no code")?;
        let redirect_uri = "http://localhost/verify";
        let request = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri});
        let pair = target.call(token_call(request)).await?.json();
        for name in ["access_token", "refresh_token"] {
            names.push((name, pair[name].as_str().unwrap_or_default().to_owned()));
        }
    }
    Ok(Setting { root: emulator.root_page_id(), has: Needs::Grant, names, target, _emulator: Some(running) })
}

fn token_call(request: Value) -> Call<'static> {
    Call {
        method: "POST",
        path: "/v1/oauth/token",
        version: "",
        caller: CallerKind::Client,
        body: Body::Json(request),
    }
}

/// A secret from the environment: a flag would show in the list of processes.
fn from_environment(name: &str, problems: &mut Vec<String>) -> String {
    let given = std::env::var(name).unwrap_or_default().trim().to_owned();
    if given.is_empty() {
        problems.push(format!("{name} is not set"));
    }
    given
}

/// The Notion that was named. Refuses before anything is printed or asked, and tells all that is missing at once.
fn real(args: &Args, url: &str) -> anyhow::Result<Setting> {
    let mut problems = Vec::new();
    let base = parse_base(url).map_err(|why| problems.push(format!("--url: {why}"))).ok();
    let token = from_environment("VESTIBULE_VERIFY_TOKEN", &mut problems);
    if args.root_page.is_none() {
        problems.push("--root-page is missing: name a page that is shared with the token".to_owned());
    }
    if args.root_page.as_deref().is_some_and(|page| !looks_like_an_id(page)) {
        problems
            .push("--root-page: a page's id was expected, 32 hex digits with or without hyphens".to_owned());
    }
    let mut names = vec![("access_token", token.clone()), ("seeded", "<each>".to_owned())];
    let mut has = Needs::Token;
    let client = args.client_id.as_ref().map(|id| {
        has = Needs::Client;
        (id.clone(), Secret::new(from_environment("VESTIBULE_VERIFY_CLIENT_SECRET", &mut problems)))
    });
    if args.spend_grant {
        has = Needs::Grant;
        names.push(("refresh_token", from_environment("VESTIBULE_VERIFY_REFRESH_TOKEN", &mut problems)));
    }
    match (base, args.root_page.clone()) {
        (Some(base), Some(root)) if problems.is_empty() => {
            let pause = if is_loopback(url) { Duration::ZERO } else { PAUSE };
            let target = Target::new(base.as_str(), Secret::new(token), client, pause)?;
            Ok(Setting { target, root, has, names, _emulator: None })
        }
        _ => Err(Usage(problems.join("\n")).into()),
    }
}

/// Notion's ids, as they are copied from its addresses.
fn looks_like_an_id(text: &str) -> bool {
    let digits = text.chars().filter(|c| *c != '-');
    digits.clone().all(|c| c.is_ascii_hexdigit()) && digits.count() == 32
}

/// An emulator needs no pauses.
fn is_loopback(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
}

async fn replay_file(args: &Args, setting: &mut Setting, file: &Path) -> anyhow::Result<ExitCode> {
    let recorded = replay::read(file)?;
    let root = setting.root.clone();
    let outcomes = replay::run(&mut setting.target, &recorded, &root).await?;
    match args.output.output {
        Output::Json => print_json(&report::replayed_json(&outcomes))?,
        Output::Text => print(&report::replayed(&outcomes))?,
    }
    let all_agree = outcomes.iter().all(|outcome| outcome.differences.is_empty());
    Ok(if all_agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn tell_all(args: &Args, mut setting: Setting, stories: Vec<Story>) -> anyhow::Result<ExitCode> {
    let target = &mut setting.target;
    let scratch = scratch_page(target, &setting.root).await?;
    let names: Vec<(&str, &str)> =
        setting.names.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let names = Names::new(&scratch, &names);
    let me = target.call(Call::get("/v1/users/me")).await?.json();
    let internal = me["bot"]["owner"]["type"] == "workspace";
    let mut told = Vec::new();
    let mut ended = Ok(());
    for story in stories {
        match tell::tell(target, &story, &names, setting.has, internal).await {
            Ok(outcome) => told.push((story, outcome)),
            Err(error) => {
                ended = Err(error);
                break;
            }
        }
    }
    // Whatever happened, nothing is left lying about.
    let path = format!("/v1/blocks/{scratch}");
    let call = Call {
        method: "DELETE",
        path: &path,
        version: "2025-09-03",
        caller: CallerKind::Token,
        body: Body::Nothing,
    };
    let removed = target.call(call).await;
    let report = Report { against: target.base().to_owned(), stories: told, calls: target.calls() };
    match args.output.output {
        Output::Json => print_json(&report.json())?,
        Output::Text => print(&report.text())?,
    }
    ended?;
    removed.context("the scratch page could not be moved to the trash")?;
    Ok(if report.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the page that everything happens in.
async fn scratch_page(target: &mut Target, root: &str) -> anyhow::Result<String> {
    let title = json!({"title": [{"text": {"content": "Vestibule verify (to be trashed)"}}]});
    let request = json!({"parent": {"page_id": root}, "properties": {"title": title}});
    let call = Call {
        method: "POST",
        path: "/v1/pages",
        version: "2025-09-03",
        caller: CallerKind::Token,
        body: Body::Json(request),
    };
    let answer = target.call(call).await?;
    if !answer.status.is_success() {
        bail!("no page can be made below {root}: {}", answer.words());
    }
    answer.json()["id"].as_str().map(str::to_owned).context("the new page has no id")
}
