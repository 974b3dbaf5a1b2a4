//! What becomes of a value when its column gets another type: most things survive as text, and text is read as far as it
//! goes. Source: Notion, "Update a database", how type changes work (read 2026-11-27); the details are guesses.

use jiff::tz::TimeZone;
use serde_json::Number;

use super::Content;
use super::date::{DateValue, normal};
use super::property::{CHOICE_COLORS, CHOICE_NAME_MAX, Choice, Kind, Stored};
use super::rich_text::plain;
use super::tree::plain_text;
use crate::clock::Ids;

/// A value of a column of type `from` as one of type `to`, which may grow choices; `None` if nothing of it is left.
pub(crate) fn convert(
    content: &Content,
    value: &Stored,
    from: &Kind,
    to: &mut Kind,
    ids: &mut Ids,
) -> Option<Stored> {
    let text = text_of(content, value, from)?;
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match to {
        Kind::RichText => Some(Stored::Text(plain(text))),
        Kind::Url | Kind::Email | Kind::PhoneNumber => Some(Stored::Line(text.to_owned())),
        Kind::Number { .. } => text.parse::<f64>().ok().and_then(number).map(Stored::Number),
        Kind::Checkbox => {
            let yes = ["yes", "true", "1", "x"].contains(&text.to_lowercase().as_str());
            Some(Stored::Checkbox(yes))
        }
        Kind::Select(choices) => Some(Stored::Choice(choice(choices, text, ids))),
        Kind::MultiSelect(choices) => {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            Some(Stored::Choices(names.map(|name| choice(choices, name, ids)).collect()))
        }
        Kind::Status { choices, .. } => {
            let known = choices.iter().find(|choice| choice.name == text);
            known.map(|choice| Stored::Choice(choice.id.clone()))
        }
        Kind::Date => {
            let (start, end) = text.split_once(" → ").unzip();
            let start = normal(start.unwrap_or(text), &TimeZone::UTC)?;
            let end = end.and_then(|end| normal(end, &TimeZone::UTC));
            Some(Stored::Date(DateValue { start, end, time_zone: None }))
        }
        _ => None,
    }
}

/// Whole numbers stay whole.
fn number(number: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Some(Number::from(number as i64))
    } else {
        Number::from_f64(number)
    }
}

fn text_of(content: &Content, value: &Stored, kind: &Kind) -> Option<String> {
    let name = |id: &String| {
        kind.choices().iter().find(|choice| choice.id == *id).map(|choice| choice.name.as_str())
    };
    Some(match value {
        Stored::Text(text) => plain_text(content, text),
        Stored::Number(number) => number.to_string(),
        Stored::Choice(id) => name(id)?.to_owned(),
        Stored::Choices(ids) => ids.iter().filter_map(name).collect::<Vec<_>>().join(", "),
        Stored::Date(date) => match &date.end {
            Some(end) => format!("{} → {end}", date.start),
            None => date.start.clone(),
        },
        Stored::Checkbox(checked) => if *checked { "Yes" } else { "No" }.to_owned(),
        Stored::Line(line) => line.clone(),
        Stored::UniqueId(number) => number.to_string(),
        Stored::Place(place) => place.name.clone().or_else(|| place.address.clone())?,
        Stored::People(_) | Stored::Files(_) | Stored::Relation(_) | Stored::Verification(_) => return None,
    })
}

/// The choice of this name, made if need be.
fn choice(choices: &mut Vec<Choice>, name: &str, ids: &mut Ids) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= CHOICE_NAME_MAX
    };
    let name: String = name.replace(',', " ").chars().take_while(fits).collect();
    if let Some(known) = choices.iter().find(|choice| choice.name == name) {
        return known.id.clone();
    }
    let (id, color) = (ids.uuid().to_string(), CHOICE_COLORS[choices.len() % CHOICE_COLORS.len()]);
    choices.push(Choice { id: id.clone(), name, color, description: None });
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_where_the_api_would_refuse_it() {
        let (mut choices, mut ids) = (Vec::new(), Ids::series(1));
        choice(&mut choices, &"😀".repeat(60), &mut ids);
        choice(&mut choices, &"a".repeat(200), &mut ids);
        let units: Vec<usize> = choices.iter().map(|choice| choice.name.encode_utf16().count()).collect();
        assert_eq!(units, [CHOICE_NAME_MAX, CHOICE_NAME_MAX]);
    }
}
