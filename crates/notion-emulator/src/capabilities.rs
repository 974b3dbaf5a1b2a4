//! What an integration may do: the switches of its settings page at Notion. There is no scope in a request.
//! Source: Notion, "Capabilities" (read 2026-11-22).

use serde::{Deserialize, Serialize};

/// What an integration may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// See pages, blocks, databases.
    pub read_content: bool,
    /// Make new ones.
    pub insert_content: bool,
    /// Change those that are there.
    pub update_content: bool,
    /// See comments.
    pub read_comments: bool,
    /// Write comments.
    pub insert_comments: bool,
    /// See people.
    pub user_information: UserInformation,
}

/// How much an integration sees of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserInformation {
    /// Only ids.
    None,
    /// Names and pictures.
    WithoutEmail,
    /// E-mail addresses too.
    WithEmail,
}

impl Default for Capabilities {
    /// Everything. (At Notion both comment capabilities start switched off.)
    fn default() -> Self {
        Self {
            read_content: true,
            insert_content: true,
            update_content: true,
            read_comments: true,
            insert_comments: true,
            user_information: UserInformation::WithEmail,
        }
    }
}

impl Capabilities {
    /// As introspection names them, with spaces in between. The names of the comments' two are guessed: the one recorded
    /// answer, of August 2025, is of an integration without them.
    pub(crate) fn scope(self) -> String {
        let with_email = self.user_information == UserInformation::WithEmail;
        let names = [
            (self.read_content, "read_content"),
            (self.insert_content, "insert_content"),
            (self.update_content, "update_content"),
            (self.read_comments, "read_comment"),
            (self.insert_comments, "insert_comment"),
            (with_email, "read_user_with_email"),
            (self.user_information != UserInformation::None, "read_user_without_email"),
        ];
        let has: Vec<&str> = names.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
        has.join(" ")
    }

    /// In the words of the consent screen.
    pub(crate) fn in_words(self) -> Vec<&'static str> {
        let mut words = Vec::new();
        let mut add = |has: bool, text| {
            if has {
                words.push(text);
            }
        };
        add(self.read_content, "View the pages you select, with everything below them");
        add(self.insert_content, "Add new pages and content there");
        add(self.update_content, "Change and move to the trash what is there");
        add(self.read_comments, "Read comments");
        add(self.insert_comments, "Write comments");
        add(
            self.user_information == UserInformation::WithoutEmail,
            "See names and pictures of people in your workspace",
        );
        add(
            self.user_information == UserInformation::WithEmail,
            "See names, pictures and e-mail addresses of people in your workspace",
        );
        words
    }
}
