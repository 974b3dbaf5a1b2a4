//! What the command line takes: the list of commands, and the flags that several of them share.
//! Each command's own flags stand in its own file; each `--help` ends with an example.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::output::Output;
use crate::{connections, demo, doctor, emulate, init, keys, serve, shell, verify};

/// The back end of a public Notion integration, ready to run.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
#[command(
    after_help = "Example:\n  vestibule demo        try it all, offline\n  vestibule init        set up for the real Notion"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an offline Notion, the gateway and a sample app: no set-up
    #[command(after_help = "Example:\n  vestibule demo --data-dir /tmp/demo")]
    Demo(demo::Args),
    /// Run the gateway
    #[command(after_help = "Example:\n  vestibule serve --config /etc/vestibule/vestibule.toml")]
    Serve(serve::Args),
    /// Write a configuration and a root key, and tell what to enter in Notion's portal
    #[command(after_help = init::EXAMPLE)]
    Init(init::Args),
    /// Run the offline Notion alone
    #[command(after_help = emulate::EXAMPLE)]
    Emulate(emulate::Args),
    /// Check configuration, root key, store, clock and the way to Notion
    #[command(after_help = "Example:\n  vestibule doctor --config /etc/vestibule/vestibule.toml")]
    Doctor(doctor::Args),
    /// Mint, list and revoke app keys and app secrets (opens the store directly)
    #[command(after_help = keys::EXAMPLE)]
    Keys(keys::Args),
    /// List, show, disconnect (over HTTP) and import connections
    #[command(after_help = connections::EXAMPLE)]
    Connections(connections::Args),
    /// Hold what the emulator answers against Notion: tell short stories of calls, report what differs
    #[command(after_help = verify::EXAMPLE)]
    Verify(verify::Args),
    /// Print what a shell needs to complete commands and flags
    #[command(after_help = shell::COMPLETIONS_EXAMPLE)]
    Completions(shell::CompletionsArgs),
    /// Print the manual page, or write one for each command
    #[command(after_help = shell::MAN_EXAMPLE)]
    Man(shell::ManArgs),
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file; without it `vestibule.toml` here, if there is one
    #[arg(long, env = "VESTIBULE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How to print.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct OutputArgs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_ends_with_an_example() {
        fn check(command: &clap::Command, path: &str) {
            if path != "help" {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "`{path} --help` has no example");
            }
            for sub in command.get_subcommands() {
                check(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        check(&Cli::command(), "vestibule");
    }
}
