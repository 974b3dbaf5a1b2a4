//! Dates as text, after patterns such as `MMMM D, YYYY`: the letters of Moment.js, which Notion's examples use.
//! Text in square brackets stays as it is, and so does what is no letter of a pattern.

use jiff::civil::{DateTime, Weekday};

/// What a pattern may be made of; longer words first.
const LETTERS: [&str; 45] = [
    "MMMM", "MMM", "MM", "Mo", "M", "DDDD", "DDDo", "DDD", "DD", "Do", "D", "dddd", "ddd", "dd", "do", "d",
    "E", "e", "YYYY", "YY", "Y", "GGGG", "gggg", "Qo", "Q", "WW", "Wo", "W", "ww", "wo", "w", "HH", "H",
    "hh", "h", "kk", "k", "mm", "m", "ss", "s", "SSS", "A", "a", "X",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `at` as `pattern` says.
pub(super) fn format_date(at: DateTime, pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let quoted = rest.strip_prefix('[').and_then(|inner| inner.split_once(']'));
        if let Some((quoted, after)) = quoted {
            text.push_str(quoted);
            rest = after;
        } else if let Some(after) = local(at, rest, &mut text) {
            rest = after;
        } else if let Some(letters) = LETTERS.iter().find(|letters| rest.starts_with(**letters)) {
            text.push_str(&part(at, letters));
            rest = &rest[letters.len()..];
        } else if rest.starts_with("ZZ") {
            text.push_str("+0000");
            rest = &rest[2..];
        } else if first == 'Z' {
            text.push_str("+00:00");
            rest = &rest[1..];
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    text
}

/// The short words for whole American dates: `L`, `LL`, `LT` and so on.
fn local<'p>(at: DateTime, rest: &'p str, text: &mut String) -> Option<&'p str> {
    let forms = [
        ("LTS", "h:mm:ss A"),
        ("LT", "h:mm A"),
        ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
        ("LLL", "MMMM D, YYYY h:mm A"),
        ("LL", "MMMM D, YYYY"),
        ("L", "MM/DD/YYYY"),
    ];
    let (name, pattern) = forms.iter().find(|(name, _)| rest.starts_with(name))?;
    // None of the patterns holds an L, so this goes no deeper.
    text.push_str(&format_date(at, pattern));
    Some(&rest[name.len()..])
}

fn part(at: DateTime, letters: &str) -> String {
    let month = usize::try_from(at.month() - 1).unwrap_or(0);
    let since_sunday = at.weekday().since(Weekday::Sunday);
    let day = DAYS[usize::try_from(since_sunday).unwrap_or(0) % 7];
    let iso = at.date().iso_week_date();
    let (hour, half) = (i32::from(at.hour()), (i32::from(at.hour()) + 11) % 12 + 1);
    match letters {
        "MMMM" => MONTHS[month % 12].to_owned(),
        "MMM" => MONTHS[month % 12][..3].to_owned(),
        "MM" => format!("{:02}", at.month()),
        "Mo" => ordinal(at.month().into()),
        "M" => at.month().to_string(),
        "DDDD" => format!("{:03}", at.day_of_year()),
        "DDDo" => ordinal(at.day_of_year().into()),
        "DDD" => at.day_of_year().to_string(),
        "DD" => format!("{:02}", at.day()),
        "Do" => ordinal(at.day().into()),
        "D" => at.day().to_string(),
        "dddd" => day.to_owned(),
        "ddd" => day[..3].to_owned(),
        "dd" => day[..2].to_owned(),
        "do" => ordinal(since_sunday.into()),
        "d" | "e" => since_sunday.to_string(),
        "E" => at.weekday().to_monday_one_offset().to_string(),
        "YYYY" => format!("{:04}", at.year()),
        "YY" => format!("{:02}", at.year().rem_euclid(100)),
        "Y" => at.year().to_string(),
        "GGGG" => format!("{:04}", iso.year()),
        "gggg" => format!("{:04}", local_week(at).0),
        "Qo" => ordinal(quarter(at)),
        "Q" => quarter(at).to_string(),
        "WW" => format!("{:02}", iso.week()),
        "Wo" => ordinal(iso.week().into()),
        "W" => iso.week().to_string(),
        "ww" => format!("{:02}", local_week(at).1),
        "wo" => ordinal(local_week(at).1),
        "w" => local_week(at).1.to_string(),
        "HH" => format!("{hour:02}"),
        "H" => hour.to_string(),
        "hh" => format!("{half:02}"),
        "h" => half.to_string(),
        "kk" => format!("{:02}", if hour == 0 { 24 } else { hour }),
        "k" => if hour == 0 { 24 } else { hour }.to_string(),
        "mm" => format!("{:02}", at.minute()),
        "m" => at.minute().to_string(),
        "ss" => format!("{:02}", at.second()),
        "s" => at.second().to_string(),
        "SSS" => format!("{:03}", at.millisecond()),
        "A" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        "a" => if hour < 12 { "am" } else { "pm" }.to_owned(),
        // The seconds since 1970 are all that is left.
        _ => (super::dates::Point { at, timed: true }.milliseconds().div_euclid(1_000)).to_string(),
    }
}

fn quarter(at: DateTime) -> i32 {
    (i32::from(at.month()) - 1) / 3 + 1
}

/// The American year and week, in which weeks begin on Sunday and the first holds 1 January.
fn local_week(at: DateTime) -> (i16, i32) {
    let first_of = |year: i16| jiff::civil::Date::new(year, 1, 1).ok();
    let offset = |first: jiff::civil::Date| i32::from(first.weekday().since(Weekday::Sunday));
    let year = at.year();
    let Some(first) = first_of(year) else { return (year, 1) };
    // Days of late December belong to the next year's first week if 1 January lies in it.
    let left = i32::from(at.days_in_year()) - i32::from(at.day_of_year());
    if let Some(next) = year.checked_add(1).and_then(first_of)
        && left < offset(next)
    {
        return (year + 1, 1);
    }
    (year, (i32::from(at.day_of_year()) - 1 + offset(first)) / 7 + 1)
}

/// `1st`, `22nd`, `13th`.
fn ordinal(number: i32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
