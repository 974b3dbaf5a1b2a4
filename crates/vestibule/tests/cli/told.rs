//! What is wrong is told once, all together, and before anything is done; what a newcomer does works at once.

use serde_json::Value;
use tempfile::TempDir;

use super::{Running, Setup, run, stderr, stdout, vestibule};

#[test]
fn a_second_demo_takes_other_ports_and_says_so_once_each() {
    // Whoever has the usual ports: these two, or somebody else on this machine.
    let folder = TempDir::new().expect("a folder");
    let dirs: Vec<String> =
        ["one", "two"].iter().map(|name| folder.path().join(name).display().to_string()).collect();
    let (_one, first) = Running::start(vestibule(&["demo", "--data-dir", &dirs[0]]), "Ctrl-C");
    let (_two, second) = Running::start(vestibule(&["demo", "--data-dir", &dirs[1]]), "Ctrl-C");
    let open =
        |printed: &str| printed.lines().find(|line| line.contains("Open ")).expect("an address").to_owned();
    assert_ne!(open(&first), open(&second));
    // Where ports were asked for, all that are taken are told together.
    let taken: Vec<_> = (0..2).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let at = |place: usize| taken[place].local_addr().expect("an address").to_string();
    let output =
        run(&["demo", "--listen", &at(0), "--app-listen", &at(1), "--emulator-listen", "127.0.0.1:0"]);
    let told = stderr(&output);
    assert!(
        told.contains(&format!("cannot listen on {}", at(0)))
            && told.contains(&format!("cannot listen on {}", at(1)))
    );
    assert!(
        told.contains("--listen")
            && told.contains("--app-listen")
            && told.contains("127.0.0.1:0 for any free port")
    );
}

#[test]
fn taken_ports_of_serve_and_emulate_say_what_to_set() {
    let setup = Setup::new();
    let taken: Vec<_> = (0..2).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let at = |place: usize| taken[place].local_addr().expect("an address").to_string();
    let output = vestibule(&["serve"])
        .env("VESTIBULE_CONFIG", setup.config())
        .env("VESTIBULE_LISTEN", at(0))
        .env("VESTIBULE_OPERATIONS_LISTEN", at(1))
        .output()
        .expect("it starts");
    let told = stderr(&output);
    assert!(
        told.contains("server.listen (VESTIBULE_LISTEN)") && told.contains("server.operations_listen"),
        "{told}"
    );
    let emulate = run(&["emulate", "--listen", &at(0)]);
    assert!(stderr(&emulate).contains("--listen, such as 127.0.0.1:0"), "{}", stderr(&emulate));
}

#[test]
fn init_writes_a_notion_version_and_the_first_call_needs_no_header() {
    let setup = Setup::new();
    let text = std::fs::read_to_string(setup.config()).expect("a file");
    assert!(text.contains("notion_version = \"2026-03-11\""), "{text}");
    let parsed: toml::Table = text.parse().expect("TOML");
    assert!(parsed["integrations"]["main"]["notion_version"].is_str());
}

#[test]
fn verify_refuses_before_it_prints_its_plan_and_tells_all_that_is_missing() {
    let output = run(&["verify", "--url", "foo", "--root-page", "x", "--client-id", "c"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "", "no plan of what is not going to happen");
    let told = stderr(&output);
    for problem in ["--url", "--root-page", "VESTIBULE_VERIFY_TOKEN", "VESTIBULE_VERIFY_CLIENT_SECRET"] {
        assert!(told.contains(problem), "{problem} is not in {told}");
    }
    let unasked = vestibule(&["verify", "--url", "https://api.notion.com", "--root-page", &"0".repeat(32)])
        .env("VESTIBULE_VERIFY_TOKEN", "ntn_x")
        .output()
        .expect("it starts");
    assert!(stdout(&unasked).is_empty() && stderr(&unasked).contains("--yes"));
}

#[test]
fn a_wrong_root_key_says_once_that_nothing_was_written() {
    let setup = Setup::new();
    assert!(setup.run(&["keys", "mint", "--kind", "app"]).status.success());
    let wrong = vestibule(&["keys", "list"])
        .env("VESTIBULE_CONFIG", setup.config())
        .env("VESTIBULE_ROOT_KEY", "77".repeat(32))
        .output()
        .expect("it starts");
    assert_eq!(stderr(&wrong).to_lowercase().matches("nothing was written").count(), 1, "{}", stderr(&wrong));
}

#[test]
fn a_seed_with_several_faults_tells_them_all() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("seed.json");
    let seed = serde_json::json!({
        "people": [{"name": "Ada", "email": 7, "avatar": "x"}],
        "workspaces": [
            {"name": "W", "plan": "gold", "pages": [
                {"created_time": "yesterday", "in_trash": "no", "properties": {}},
                {"properties": {"title": 7}, "pages": [{"properties": {"nothing": {"title": []}}, "in_trash": 1}]},
            ]},
        ],
        "clients": [{"client_id": 1}],
    });
    std::fs::write(&file, seed.to_string()).expect("written");
    let output = run(&["emulate", "--seed", &file.display().to_string()]);
    let told = stderr(&output);
    for place in [
        "seed.people[0].email",
        "seed.people[0].avatar",
        "seed.workspaces[0].plan",
        "seed.workspaces[0].pages[0].created_time",
        "seed.workspaces[0].pages[0].in_trash",
        "seed.workspaces[0].pages[1]",
        "seed.workspaces[0].pages[1].pages[0].in_trash",
        "seed.clients[0]",
    ] {
        assert!(told.contains(place), "{place} is not in\n{told}");
    }
}

#[test]
fn init_tells_all_that_is_there_and_follows_no_link() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("root.key"), "mine").expect("a file");
    std::os::unix::fs::symlink(at("nowhere"), at("client-secret")).expect("a link");
    let dir = folder.path().display().to_string();
    let init = |dir: &str| {
        run(&[
            "init",
            "--dir",
            dir,
            "--public-url",
            "https://x.example",
            "--client-id",
            "c",
            "--client-secret-file",
            "-",
        ])
    };
    let told = stderr(&init(&dir));
    assert!(told.contains("root.key, client-secret already: nothing was written"), "{told}");
    assert!(!at("nowhere").exists() && !at("vestibule.toml").exists());
    let open = at("open");
    std::fs::create_dir(&open).expect("a folder");
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("set");
    assert!(stderr(&init(&open.display().to_string())).contains("everybody may write"));
}

#[test]
fn a_key_is_ended_only_after_asking_and_a_recording_overwrites_nothing() {
    let setup = Setup::new();
    let minted = setup.run(&["keys", "mint", "--kind", "app", "--label", "back end", "--output", "json"]);
    let minted: Value = serde_json::from_str(&stdout(&minted)).expect("JSON");
    let id = minted["id"].as_str().expect("an id");
    let unasked = setup.run(&["keys", "revoke", id]);
    assert_eq!(unasked.status.code(), Some(2));
    assert!(
        stderr(&unasked).contains("back end") && stderr(&unasked).contains("--yes"),
        "{}",
        stderr(&unasked)
    );
    assert!(stdout(&setup.run(&["keys", "list"])).contains("good"));
    let file = setup.folder.path().join("exchanges.jsonl");
    std::fs::write(&file, "{}\n").expect("a file");
    let output = run(&["emulate", "--listen", "127.0.0.1:0", "--record", &file.display().to_string()]);
    assert!(stderr(&output).contains("is there already"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "{}\n");
}

#[test]
fn shells_complete_and_man_pages_are_written() {
    let folder = TempDir::new().expect("a folder");
    let script = folder.path().join("vestibule.bash");
    std::fs::write(&script, run(&["completions", "bash"]).stdout).expect("written");
    // As an interactive shell would: the words so far, then the function that the script registers.
    let ask = format!(
        "source {}; complete -p vestibule; COMP_WORDS=(vestibule connections dis); COMP_CWORD=2; \
         _vestibule vestibule dis connections; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let output = std::process::Command::new("bash").args(["-c", &ask]).output().expect("bash");
    assert!(
        stdout(&output).contains("_vestibule") && stdout(&output).contains("disconnect"),
        "{}",
        stdout(&output)
    );
    for shell in ["zsh", "fish"] {
        let script = stdout(&run(&["completions", shell]));
        assert!(script.contains("disconnect") && script.contains("completions"), "{shell}");
    }
    let pages = folder.path().join("man1");
    assert!(run(&["man", "--dir", &pages.display().to_string()]).status.success());
    for page in ["vestibule.1", "vestibule-serve.1", "vestibule-connections-disconnect.1"] {
        let text = std::fs::read_to_string(pages.join(page)).expect("a page");
        assert!(text.contains(".TH") && !text.contains('\u{1b}'), "{page}");
    }
    let page = stdout(&run(&["man"]));
    assert!(page.contains(".TH vestibule") && page.contains(".SH EXAMPLES\n  vestibule demo"), "{page}");
    // It names no page that is not there.
    assert!(!page.contains("vestibule\\-help(1)"), "{page}");
}

/// It once began, and only the consent screen refused it.
#[test]
fn a_redirect_uri_that_no_consent_takes_is_refused_at_the_start() {
    for odd in ["foo", "/callback", "http://localhost:3000/callback#part", "mailto:ada@example.org"] {
        let output = run(&["emulate", "--listen", "127.0.0.1:0", "--redirect-uri", odd]);
        assert!(!output.status.success(), "{odd}");
        assert!(stderr(&output).contains("an absolute URL without a fragment was expected"), "{odd}");
    }
}
