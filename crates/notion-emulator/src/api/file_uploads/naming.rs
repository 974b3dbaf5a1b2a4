//! The name and the content type of an upload: each can give the other, and they must fit.
//! Source: Notion, "Create a file upload" and "Working with files and media" (read 2026-11-27). Of the messages, the two
//! about what is not supported are quoted in public issue trackers; the others are guesses.

use super::super::failure::Failure;
use crate::content::file_types::{FileType, by_content_type, by_extension, extension_of};

/// Longest name with its extension. Source: Notion, "Create a file upload" (read 2026-11-27).
const NAME_BYTES_MAX: usize = 900;

/// What clients say that do not know better; Notion then looks at the extension.
const UNKNOWN: &str = "application/octet-stream";

/// The essence of a content type, if it says anything.
pub(super) fn essence(content_type: &str) -> Option<String> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (essence != UNKNOWN && !essence.is_empty()).then_some(essence)
}

/// Completes what is known of a file: a name gets an extension, a file without type that of its extension.
pub(super) fn resolve(
    name: Option<String>,
    content_type: Option<String>,
) -> Result<(Option<String>, Option<String>), Failure> {
    let by_type = content_type.as_deref().map(supported).transpose()?;
    let Some(mut name) = name else { return Ok((None, content_type)) };
    let content_type = match (extension_of(&name), by_type) {
        (Some(extension), _) => {
            let known = by_extension(extension).ok_or_else(|| {
                Failure::validation(
                    "Provided `filename` has an extension that is not supported for the File Upload API.",
                )
            })?;
            match content_type {
                Some(given) if !known.takes(&given) => return Err(mismatch(&given, &name)),
                Some(given) => given,
                None => known.content_type().to_owned(),
            }
        }
        (None, Some(known)) => {
            name = format!("{name}.{}", known.extension());
            content_type.unwrap_or_else(|| known.content_type().to_owned())
        }
        (None, None) => {
            return Err(Failure::validation(
                "Provided `filename` should have an extension, or `content_type` should be provided.",
            ));
        }
    };
    if name.len() > NAME_BYTES_MAX {
        let length = name.len();
        return Err(Failure::validation(format!(
            "body failed validation: body.filename.length should be ≤ `{NAME_BYTES_MAX}`, instead was `{length}`."
        )));
    }
    Ok((Some(name), Some(content_type)))
}

/// What goes with a content type, if Notion takes it.
pub(super) fn supported(content_type: &str) -> Result<&'static FileType, Failure> {
    by_content_type(content_type).ok_or_else(|| {
        Failure::validation(format!(
            "The content type {content_type} is not supported for the File Upload API."
        ))
    })
}

/// Checks what was sent against what was announced.
pub(super) fn fits(sent: &str, announced: &str, name: Option<&str>) -> Result<(), Failure> {
    supported(sent)?;
    let by_name = name.and_then(extension_of).and_then(by_extension);
    if sent == announced || by_name.is_some_and(|known| known.takes(sent)) {
        return Ok(());
    }
    Err(Failure::validation(format!(
        "The content type {sent} does not match the content type {announced} of the file upload."
    )))
}

fn mismatch(content_type: &str, name: &str) -> Failure {
    Failure::validation(format!(
        "Provided `content_type` {content_type} does not match the extension of `filename` {name}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(name: &str, content_type: &str) -> Result<String, String> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match resolve(some(name), some(content_type)) {
            Ok((name, content_type)) => {
                Ok(format!("{}, {}", name.unwrap_or_default(), content_type.unwrap_or_default()))
            }
            Err(failure) => Err(failure.into_reply().body["message"].as_str().unwrap_or_default().to_owned()),
        }
    }

    #[test]
    fn name_and_type_complete_each_other() {
        let cases = [
            ("a.txt", "", "a.txt, text/plain"),
            ("A.PDF", "", "A.PDF, application/pdf"),
            ("clip.mp4", "", "clip.mp4, application/mp4"),
            ("clip.mp4", "video/mp4", "clip.mp4, video/mp4"),
            ("photo", "image/jpeg", "photo.jpeg, image/jpeg"),
            ("", "image/png", ", image/png"),
            ("", "", ", "),
        ];
        for (name, content_type, expected) in cases {
            assert_eq!(resolved(name, content_type).as_deref(), Ok(expected), "{name} {content_type}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cases = [
            ("a.exe", "", "has an extension that is not supported"),
            (
                "sound.wav",
                "audio/x-wav",
                "The content type audio/x-wav is not supported for the File Upload API.",
            ),
            ("a.txt", "image/png", "does not match the extension"),
            ("README", "", "should have an extension"),
            (".hidden", "", "should have an extension"),
        ];
        for (name, content_type, expected) in cases {
            let message = resolved(name, content_type).expect_err("it is refused");
            assert!(message.contains(expected), "{name}: {message}");
        }
        let long = format!("{}.txt", "é".repeat(449));
        assert!(resolved(&long, "").expect_err("too long").contains("≤ `900`, instead was `902`"));
    }

    #[test]
    fn what_is_sent_may_be_any_type_of_the_extension() {
        assert!(fits("video/mp4", "application/mp4", Some("clip.mp4")).is_ok());
        assert!(fits("text/plain", "image/png", Some("a.png")).is_err());
        assert_eq!(essence("Text/Plain; charset=utf-8").as_deref(), Some("text/plain"));
        assert_eq!(essence("application/octet-stream"), None);
    }
}
