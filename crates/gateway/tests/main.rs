//! The gateway as its users meet it: a real server, a real store and a real emulator in one process, each test with
//! its own, on ports of their own, the gateway's clock moved by hand.

#![expect(clippy::disallowed_methods, reason = "its servers and callers run beside each other")]

mod answers;
mod authorization;
mod canary;
mod clients;
mod consents;
mod crossings;
mod damage;
mod doors;
mod erasure;
mod forms;
mod framing;
mod gate;
mod http_clients;
mod killed;
mod matrix;
mod notion_door;
mod proxy;
mod reconnects;
mod refresh;
mod renewal;
mod retries;
mod session_door;
mod states;
mod storms;
mod support;
mod tape;
mod two_ways;
mod uploads;
mod way_out;
mod ways_back;
