//! The real binary, as an operator uses it: what it prints, what it writes, how it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/store.rs"]
mod store;
#[path = "cli/told.rs"]
mod told;

fn vestibule(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    vestibule(args).output().expect("it starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// A running command that is told to stop when the test ends.
struct Running(Child);

impl Running {
    /// Starts it, and reads its standard output until a line holds `word`.
    fn start(mut command: Command, word: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut read = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        while !read.contains(word) {
            assert_ne!(lines.read_line(&mut read).expect("text"), 0, "it ended: {read}");
        }
        // The rest goes nowhere, so that the child never waits for us.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        (Self(child), read)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Our own child, by its id.
        let _told = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ended = self.0.wait();
    }
}

/// A folder with what `init` writes, pointed at an emulator; and the emulator.
struct Setup {
    folder: TempDir,
    _emulator: Running,
}

impl Setup {
    fn new() -> Self {
        let emulate = [
            "emulate",
            "--listen",
            "127.0.0.1:0",
            "--client-id",
            "c",
            "--client-secret",
            "s",
            "--output",
            "json",
        ];
        let (emulator, printed) = Running::start(vestibule(&emulate), "}");
        let printed: Value = serde_json::from_str(&printed).expect("JSON");
        let url = printed["url"].as_str().expect("a URL").to_owned();
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("given"), "s\n").expect("a file");
        let dir = folder.path().display().to_string();
        let given = folder.path().join("given").display().to_string();
        let output = run(&[
            "init",
            "--dir",
            &dir,
            "--public-url",
            "http://127.0.0.1:8470",
            "--client-id",
            "c",
            "--client-secret-file",
            &given,
            "--return-url",
            "https://app.example/return",
        ]);
        assert!(output.status.success(), "{}", stderr(&output));
        let config = folder.path().join("vestibule.toml");
        let text = std::fs::read_to_string(&config).expect("a file");
        let text = format!("{text}\n[notion]\nbase_url = \"{url}\"\n");
        std::fs::write(&config, text).expect("written");
        Self { folder, _emulator: emulator }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("vestibule.toml")
    }

    fn run(&self, args: &[&str]) -> Output {
        vestibule(args).env("VESTIBULE_CONFIG", self.config()).output().expect("it starts")
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in ["demo", "serve", "init", "emulate", "doctor", "keys", "connections"] {
        let help = run(&[command, "--help"]);
        assert!(stdout(&help).contains("Example"), "{command}");
    }
    let nothing = run(&[]);
    assert_eq!(nothing.status.code(), Some(2));
    let wrong = run(&["serv"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn init_writes_private_files_prints_the_checklist_and_overwrites_nothing() {
    let setup = Setup::new();
    for file in ["vestibule.toml", "root.key", "client-secret"] {
        assert_eq!(mode(&setup.folder.path().join(file)), 0o600, "{file}");
    }
    let dir = setup.folder.path().display().to_string();
    let before = std::fs::read_to_string(setup.folder.path().join("root.key")).expect("a key");
    let again = run(&[
        "init",
        "--dir",
        &dir,
        "--public-url",
        "https://x.example",
        "--client-id",
        "c",
        "--client-secret-file",
        "-",
    ]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("nothing was written"), "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(setup.folder.path().join("root.key")).expect("a key"), before);

    let folder = TempDir::new().expect("a folder");
    let dir = folder.path().join("new").display().to_string();
    let mut child = vestibule(&[
        "init",
        "--dir",
        &dir,
        "--public-url",
        // As a person may type it; Notion compares what the gateway sends, letter by letter.
        "https://Connect.Example.com:443/",
        "--client-id",
        "abc",
        "--client-secret-file",
        "-",
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .expect("it starts");
    child.stdin.take().expect("piped").write_all(b"very-secret\n").expect("written");
    let printed = stdout(&child.wait_with_output().expect("it ends"));
    let uri = printed.find("https://connect.example.com/callback/main").expect("the redirect URI");
    assert!(uri < printed.find("Capabilities").expect("the capabilities"), "the redirect URI comes first");
    assert!(!printed.contains("very-secret"));
}

#[test]
fn init_refuses_what_serve_would_refuse_and_asks_nobody_who_is_not_there() {
    let folder = TempDir::new().expect("a folder");
    let dir = folder.path().display().to_string();
    let missing = run(&["init", "--dir", &dir]);
    assert_eq!(missing.status.code(), Some(2), "{}", stderr(&missing));
    let plain = run(&[
        "init",
        "--dir",
        &dir,
        "--public-url",
        "http://connect.example.com",
        "--client-id",
        "c",
        "--client-secret-file",
        "/dev/null",
    ]);
    assert!(stderr(&plain).contains("https, or http on the loopback"), "{}", stderr(&plain));
    assert_eq!(std::fs::read_dir(&dir).expect("a folder").count(), 0);
}

#[test]
fn keys_are_shown_once_listed_without_their_text_and_ended() {
    let setup = Setup::new();
    let minted = setup.run(&["keys", "mint", "--kind", "app", "--label", "back end", "--output", "json"]);
    let minted: Value = serde_json::from_str(&stdout(&minted)).expect("JSON");
    let (id, key) = (minted["id"].as_str().expect("an id"), minted["key"].as_str().expect("a key"));
    assert!(key.starts_with("vst_app_"));
    let listed = stdout(&setup.run(&["keys", "list"]));
    assert!(listed.contains("back end") && listed.contains("good") && !listed.contains(key));
    assert!(setup.run(&["keys", "revoke", "--yes", id]).status.success());
    assert!(stdout(&setup.run(&["keys", "list"])).contains("ended"));
    let again = setup.run(&["keys", "revoke", "--yes", id]);
    assert_eq!(again.status.code(), Some(1));
    let unknown = setup.run(&["keys", "list", "--integration", "nobody"]);
    assert!(stderr(&unknown).contains("nobody"));
}

#[test]
fn a_wrong_or_missing_root_key_refuses_to_start_and_writes_nothing() {
    let setup = Setup::new();
    assert!(setup.run(&["keys", "mint", "--kind", "app"]).status.success());
    let store = || std::fs::read(setup.folder.path().join("vestibule.db")).expect("a store");
    let before = store();
    let wrong = vestibule(&["keys", "list"])
        .env("VESTIBULE_CONFIG", setup.config())
        .env("VESTIBULE_ROOT_KEY", "77".repeat(32))
        .output()
        .expect("it starts");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("root key"), "{}", stderr(&wrong));
    assert!(store() == before, "the store is as it was, byte for byte");
    std::fs::remove_file(setup.folder.path().join("root.key")).expect("removed");
    let missing = setup.run(&["serve"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("root_key_file"), "{}", stderr(&missing));
}

#[test]
fn serve_tells_all_that_is_wrong_at_once() {
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("vestibule.toml");
    std::fs::write(&config, "[server]\npublic_urll = 1\n[integrations.A]\nclient_id = \"c\"\n")
        .expect("written");
    let output = run(&["serve", "--config", &config.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    for problem in
        ["server.public_url is missing", "server.public_urll", "store.path", "keys.root_key", "client_secret"]
    {
        assert!(told.contains(problem), "{problem} is not in\n{told}");
    }
}

#[test]
fn doctor_finds_the_emulator_and_a_wrong_secret() {
    let setup = Setup::new();
    // It only looks: without a store it says so, and makes none.
    let store = setup.folder.path().join("vestibule.db");
    let early = setup.run(&["doctor"]);
    assert!(early.status.success() && stdout(&early).contains("yet: `vestibule serve` makes it"));
    assert!(!store.exists());
    setup.run(&["keys", "mint", "--kind", "app"]);
    let well = setup.run(&["doctor"]);
    let printed = stdout(&well);
    assert!(well.status.success(), "{printed}");
    assert!(
        printed.contains("accepts it")
            && printed.contains("/callback/main exactly")
            && printed.contains("clock"),
        "{printed}"
    );
    std::fs::write(setup.folder.path().join("client-secret"), "rotated\n").expect("written");
    let ill = setup.run(&["doctor", "--output", "json"]);
    assert_eq!(ill.status.code(), Some(1));
    let told: Value = serde_json::from_str(&stdout(&ill)).expect("JSON");
    assert_eq!(told["ok"], false);
    assert!(told["checks"].to_string().contains("refuses this client id or secret"));
}

#[test]
fn import_takes_what_users_me_confirms_and_leaves_the_rest_out_line_by_line() {
    let emulate = [
        "emulate",
        "--listen",
        "127.0.0.1:0",
        "--output",
        "json",
        "--client-id",
        "c",
        "--client-secret",
        "s",
    ];
    let (_emulator, printed) = Running::start(vestibule(&emulate), "}");
    let emulator: Value = serde_json::from_str(&printed).expect("JSON");
    let setup = Setup::new();
    let token = emulator["internal_token"].as_str().expect("a token");
    // Pointed at this emulator, whose internal bot's token the "old back end" holds.
    let config = std::fs::read_to_string(setup.config()).expect("a file");
    let (head, _) = config.split_once("[notion]").expect("it is there");
    let url = emulator["url"].as_str().expect("a URL");
    std::fs::write(setup.config(), format!("{head}[notion]\nbase_url = \"{url}\"\n")).expect("written");

    let line = |token: &str, bot: &str, user: &str| {
        format!(
            "{{\"access_token\":\"{token}\",\"bot_id\":\"{bot}\",\"workspace_id\":\"w\",\"end_user\":\"{user}\"}}\n"
        )
    };
    let bot = "3b1c88f2-6d0a-4c57-b9e4-00275e61c001";
    let lines = [
        line(token, bot, "user-1"),
        "not json\n".to_owned(),
        line("ntn_emulator_dead", bot, "user-2"),
        line(token, "another-bot", "user-3"),
        line(token, bot, "user-4"),
    ];
    let file = setup.folder.path().join("tokens.jsonl");
    std::fs::write(&file, lines.concat()).expect("written");
    let path = file.display().to_string();
    let unsure = setup.run(&["connections", "import", &path]);
    assert_eq!(unsure.status.code(), Some(2), "{}", stderr(&unsure));
    assert!(stderr(&unsure).contains("old back end"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("set");
    assert!(stderr(&setup.run(&["connections", "import", "--yes", &path])).contains("chmod 600"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
    let output = setup.run(&["connections", "import", "--yes", "--output", "json", &path]);
    assert_eq!(output.status.code(), Some(1), "some lines were left out");
    let told: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(
        (told["created"].as_u64(), told["kept_newer"].as_u64(), told["left_out"].as_u64()),
        (Some(1), Some(1), Some(3))
    );
    assert!(!stdout(&output).contains("ntn_emulator"));
}

#[test]
fn a_taken_port_names_the_flag_that_changes_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = run(&[
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--app-listen",
        &address,
        "--emulator-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--app-listen"), "{}", stderr(&output));
}

#[test]
fn the_demos_file_is_private_and_its_words_hold_no_key() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let any = "127.0.0.1:0";
    let flags = ["demo", "--listen", any, "--app-listen", any, "--emulator-listen", any, "--data-dir", &data];
    let (_demo, printed) = Running::start(vestibule(&flags), "Ctrl-C");
    let file = folder.path().join("demo/demo.json");
    assert!(printed.contains("demo.json"));
    assert_eq!(mode(&file), 0o600);
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("a file")).expect("JSON");
    let expected = [
        "gateway_url",
        "emulator_url",
        "app_url",
        "return_url",
        "api_key",
        "integration",
        "client_id",
        "app_secret",
        "client_secret",
        "internal_token",
        "root_page_id",
    ];
    for name in expected {
        assert!(facts[name].as_str().is_some_and(|value| !value.is_empty()), "{name}");
    }
    for name in ["api_key", "app_secret", "client_secret", "internal_token"] {
        assert!(!printed.contains(facts[name].as_str().expect("text")), "{name} was printed");
    }
}

#[test]
fn connections_speak_to_a_running_gateway() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let any = "127.0.0.1:0";
    let flags = ["demo", "--listen", any, "--app-listen", any, "--emulator-listen", any, "--data-dir", &data];
    let (_demo, _) = Running::start(vestibule(&flags), "Ctrl-C");
    let facts = std::fs::read_to_string(folder.path().join("demo/demo.json")).expect("a file");
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    let call = |args: &[&str]| {
        vestibule(args)
            .env("VESTIBULE_URL", facts["gateway_url"].as_str().expect("a URL"))
            .env("VESTIBULE_API_KEY", facts["api_key"].as_str().expect("a key"))
            .output()
            .expect("it starts")
    };
    assert_eq!(stdout(&call(&["connections", "list"])), "No connections.\n");
    let missing = call(&["connections", "show", "con_nothing"]);
    assert!(stderr(&missing).contains("there is no such connection"), "{}", stderr(&missing));
    let keyless = run(&["connections", "list"]);
    assert_eq!(keyless.status.code(), Some(2));
    assert!(stderr(&keyless).contains("VESTIBULE_API_KEY"));
}
