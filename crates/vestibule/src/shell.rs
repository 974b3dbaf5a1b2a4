//! `vestibule completions` and `vestibule man`: both are made from the command line's own description, so neither can lag behind.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::output::print;

pub(crate) const COMPLETIONS_EXAMPLE: &str = "Example:
  vestibule completions bash > /etc/bash_completion.d/vestibule
  vestibule completions zsh > /usr/local/share/zsh/site-functions/_vestibule
  vestibule completions fish > ~/.config/fish/completions/vestibule.fish";

pub(crate) const MAN_EXAMPLE: &str = "Example:
  vestibule man | man -l -
  vestibule man --dir /usr/local/share/man/man1";

/// Flags of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Flags of `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder, which is made if it is missing
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vestibule", &mut text);
    print(&String::from_utf8(text)?)
}

pub(crate) fn man(args: &ManArgs) -> anyhow::Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    match &args.dir {
        None => print(&page(clap_mangen::Man::new(command))?),
        Some(folder) => {
            let write = || {
                std::fs::create_dir_all(folder)?;
                write_pages(command, folder)
            };
            write().with_context(|| format!("cannot write the pages into {}", folder.display()))
        }
    }
}

fn write_pages(command: clap::Command, folder: &Path) -> anyhow::Result<()> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write_pages(sub.clone(), folder)?;
    }
    let man = clap_mangen::Man::new(command);
    let file = folder.join(man.get_filename());
    std::fs::write(file, page(man)?)?;
    Ok(())
}

/// What stands after a command's flags are its examples; the generator, which cannot know, calls them EXTRA.
fn page(man: clap_mangen::Man) -> anyhow::Result<String> {
    let mut page = Vec::new();
    man.source(concat!("vestibule ", env!("CARGO_PKG_VERSION"))).render(&mut page)?;
    Ok(String::from_utf8(page)?.replace(".SH EXTRA\nExample:\n", ".SH EXAMPLES\n"))
}
