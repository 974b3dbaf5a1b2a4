//! Only in a build that stops itself for the tests: reads from `FAILPOINT` where.

/// Arms the place that the environment names, if it names one.
#[expect(
    clippy::disallowed_methods,
    reason = "no setting of ours: the harness says it to a build of its own"
)]
pub(crate) fn arm() -> Result<(), String> {
    std::env::var("FAILPOINT").map_or(Ok(()), |told| failpoints::arm(&told))
}
