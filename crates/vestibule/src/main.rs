//! The `vestibule` command: reads what it is told, runs one command, and ends with one clear message if that fails.
//! Exit codes: 0 done, 1 failed, 2 called wrongly.

mod args;
mod config;
mod connections;
mod demo;
mod doctor;
mod emulate;
#[cfg(feature = "failpoints")]
mod failing;
mod http_client;
mod init;
mod keys;
mod logging;
mod opened;
mod output;
mod prompt;
mod serve;
mod shell;
mod stop;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command was called wrongly: exit code 2, like a wrong flag.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A crash must not write keys and tokens to a disk. The limit alone would not do: Linux ignores it when dumps go to a program.
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _best_effort = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _best_effort = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

fn main() -> ExitCode {
    forbid_core_dumps();
    listener::raise_descriptor_limit();
    #[cfg(feature = "failpoints")]
    if let Err(told) = failing::arm() {
        output::complain(&told);
        return ExitCode::from(2);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) if told.use_stderr() => {
            // It quotes what was given, which a script may have from anywhere.
            output::complain(told.render().to_string().trim_end());
            return ExitCode::from(2);
        }
        Err(told) => told.exit(),
    };
    match run(cli.command) {
        Ok(code) => {
            logging::finish();
            code
        }
        Err(error) => {
            logging::last_words(&format!("{error:#}"));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Demo(args) => demo::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Serve(args) => serve::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Init(args) => init::run(args).map(|()| ExitCode::SUCCESS),
            Command::Emulate(args) => emulate::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Doctor(args) => doctor::run(args).await,
            Command::Keys(args) => keys::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Connections(args) => connections::run(args).await,
            Command::Verify(args) => verify::run(args).await,
            Command::Completions(args) => shell::completions(&args).map(|()| ExitCode::SUCCESS),
            Command::Man(args) => shell::man(&args).map(|()| ExitCode::SUCCESS),
        }
    })
}
