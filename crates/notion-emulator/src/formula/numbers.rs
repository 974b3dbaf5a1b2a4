//! Numbers as JavaScript shows, reads and rounds them, since Notion's formulas run in JavaScript.

/// From here on numbers are shown with an exponent.
const PLAIN_BELOW: f64 = 1e21;
/// Below this, too.
const PLAIN_FROM: f64 = 1e-6;

/// `42`, `0.1`, `1e+21`.
pub(super) fn shown(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        "0".to_owned()
    } else if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if (PLAIN_FROM..PLAIN_BELOW).contains(&size) {
        number.to_string()
    } else {
        let text = format!("{number:e}");
        if text.contains("e-") { text } else { text.replace('e', "e+") }
    }
}

/// The number that a text says, if it says one.
pub(super) fn read(text: &str) -> Option<f64> {
    let text = text.trim();
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if numeric { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

/// Halves go up, also below zero: `round(-0.5)` is 0.
pub(super) fn rounded(number: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places.clamp(-15, 15));
    let rounded = (number * scale + 0.5).floor() / scale;
    // The detour over a large scale can leave the range of floats.
    if rounded.is_finite() { rounded } else { number }
}

/// A count or a place, from a number of a formula: cut off, and held where arithmetic is safe.
#[expect(clippy::cast_possible_truncation, reason = "held within the bounds of i64")]
pub(super) fn whole(number: f64) -> i64 {
    const LIMIT: f64 = 1e15;
    if number.is_nan() { 0 } else { number.clamp(-LIMIT, LIMIT).trunc() as i64 }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "nothing here counts beyond 2^52")]
pub(super) fn count(count: usize) -> f64 {
    count as f64
}

/// Milliseconds and the like as a number.
#[expect(clippy::cast_precision_loss, reason = "dates end with the year 9999, far below 2^52 milliseconds")]
pub(super) fn float(number: i64) -> f64 {
    number as f64
}

/// The median of numbers in their order; of an even count, what lies between the two in the middle.
pub(crate) fn middle(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    sorted.get(low).zip(sorted.get(high)).map(|(low, high)| f64::midpoint(*low, *high))
}
