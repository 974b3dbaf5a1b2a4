//! The flow diagram of an attempt, drawn from its steps: an SVG of our own, and Mermaid text.

mod mermaid;
mod svg;

pub(crate) use mermaid::mermaid;
pub(crate) use svg::svg;
