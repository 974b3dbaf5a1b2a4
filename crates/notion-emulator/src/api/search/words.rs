//! What fits a search: a title that has one of the words, whatever their endings ("Tests" finds "A test"), or that has the
//! whole text somewhere. Source: recorded answers of June 2026. That all titles are read as English is a guess.

use rust_stemmers::{Algorithm, Stemmer};

/// The text that is searched for.
pub(super) struct Words {
    text: String,
    stems: Vec<String>,
}

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        Self { stems: stems(&text), text }
    }

    /// Whether a title is found.
    pub(super) fn fit(&self, title: &str) -> bool {
        let title = title.to_lowercase();
        title.contains(&self.text) || stems(&title).iter().any(|stem| self.stems.contains(stem))
    }

    /// How far a title is from the text: the whole title, its beginning, anything else.
    pub(super) fn distance(&self, title: &str) -> u8 {
        let title = title.to_lowercase();
        if title == self.text {
            0
        } else if title.starts_with(&self.text) {
            1
        } else {
            2
        }
    }
}

/// The words of a text without their endings.
fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| stemmer.stem(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_is_enough_whatever_its_ending() {
        let cases = [
            ("Task DB", "Wiki DB", true),
            ("Tests", "Markdown SubPage Test", true),
            ("running", "Who runs?", true),
            ("task", "Tasks, and more", true),
            ("tas", "Task", true),
            ("Task DB", "Taskforce", false),
            ("", "Anything", true),
            ("会議", "今日の会議室", true),
            ("?!", "Why", false),
        ];
        for (text, title, fits) in cases {
            assert_eq!(Words::new(text).fit(title), fits, "{text:?} in {title:?}");
        }
    }
}
