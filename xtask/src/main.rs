//! Tasks longer than a line of shell.

fn main() {}
