//! What Notion says over OAuth and how we answer: pure values, no effects.
//!
//! Both sides are here, for Vestibule stands in the middle: towards Notion it is a client, towards the developer's
//! app it is Notion. Facts about Notion name the page they come from; bytes from outside are checked, never sliced
//! blindly, and a reader never panics.

pub mod app_token;
pub mod authorize;
pub mod callback;
pub mod error;
mod parameters;
pub mod redirect;
pub mod state;
pub mod token;
