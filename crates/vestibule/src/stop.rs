//! When the process ends: on SIGTERM or Ctrl-C, once what is open has finished; at once when told a second time. SIGHUP, which
//! elsewhere reads a configuration anew, is told of and ignored, unless the terminal that we ran on has gone.

#![expect(clippy::disallowed_methods, reason = "the binary's own tasks")]

use std::io::IsTerminal as _;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::logging;

/// Tells everybody to stop when the process is told to.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for signals from now on.
    pub(crate) fn on_signal() -> anyhow::Result<Self> {
        let (tell, told) = watch::channel(false);
        let signals = Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            on_terminal: on_terminal(),
        };
        tokio::spawn(signals.listen(tell));
        Ok(Self(told))
    }

    /// Done once it is time to stop.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut told = self.0.clone();
        async move {
            let _stopped = told.wait_for(|stop| *stop).await;
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    on_terminal: bool,
}

impl Signals {
    async fn listen(mut self, tell: watch::Sender<bool>) {
        loop {
            // What a shell reports for a process that a signal ended.
            let code = tokio::select! {
                _ = self.interrupt.recv() => 130,
                _ = self.terminate.recv() => 143,
                _ = self.hangup.recv() => {
                    if !self.on_terminal || on_terminal() {
                        let words = "SIGHUP is ignored: the configuration is read at the start only, so restart to read it anew";
                        tracing::warn!(event = "hangup.ignored", "{words}");
                        continue;
                    }
                    129
                }
            };
            if tell.send_replace(true) {
                tracing::warn!(
                    event = "stopping.at_once",
                    "told to stop a second time: open calls are cut short"
                );
                logging::finish();
                std::process::exit(code);
            }
        }
    }
}

/// Whether a terminal is at any of our ends.
fn on_terminal() -> bool {
    std::io::stdin().is_terminal() || std::io::stdout().is_terminal() || std::io::stderr().is_terminal()
}
