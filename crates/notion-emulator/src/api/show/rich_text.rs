//! Rich text as JSON.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{View, digits};
use crate::capabilities::UserInformation;
use crate::content::rich_text::{Mention, RichText, Run};
use crate::content::{Reader, plain_run};

impl Reader for View<'_> {
    fn name(&self, person: Uuid) -> Option<String> {
        let told = self.caller.capabilities.user_information != UserInformation::None;
        self.member(person).filter(|_| told).map(|person| person.name.clone())
    }

    fn reads(&self, page: Uuid) -> bool {
        self.reaches(page)
    }
}

impl View<'_> {
    /// A list of runs.
    pub(crate) fn rich_text(&self, text: &[RichText]) -> Value {
        text.iter().map(|run| self.run(run)).collect()
    }

    /// Rich text as a person reads it.
    pub(crate) fn plain(&self, text: &[RichText]) -> String {
        text.iter().map(|run| plain_run(self.content, run, self)).collect()
    }

    /// The title of a page or database, as far as the caller may read it.
    pub(crate) fn title(&self, id: Uuid) -> String {
        self.plain(self.content.title_runs(id))
    }

    fn run(&self, run: &RichText) -> Value {
        let (kind, inner, href) = match &run.run {
            Run::Text { content, link } => {
                let url = link.as_ref().map(|url| json!({"url": url}));
                ("text", json!({"content": content, "link": url}), link.clone())
            }
            Run::Equation(expression) => ("equation", json!({"expression": expression}), None),
            Run::Mention(mention) => {
                let (inner, href) = self.mention(mention);
                ("mention", inner, href)
            }
        };
        let look = &run.annotations;
        json!({
            "type": kind,
            kind: inner,
            "annotations": {
                "bold": look.bold,
                "italic": look.italic,
                "strikethrough": look.strikethrough,
                "underline": look.underline,
                "code": look.code,
                "color": look.color,
            },
            "plain_text": plain_run(self.content, run, self),
            "href": href,
        })
    }

    fn mention(&self, mention: &Mention) -> (Value, Option<String>) {
        let page = |id: &Uuid| Some(format!("https://app.notion.com/p/{}", digits(*id)));
        match mention {
            Mention::User(id) => (json!({"type": "user", "user": self.user(*id)}), None),
            Mention::Date(date) => (json!({"type": "date", "date": super::property::date(date)}), None),
            Mention::Page(id) => (json!({"type": "page", "page": {"id": id}}), page(id)),
            Mention::Database(id) => (json!({"type": "database", "database": {"id": id}}), page(id)),
            Mention::TemplateDate(which) => {
                let inner = json!({"type": "template_mention_date", "template_mention_date": which});
                (json!({"type": "template_mention", "template_mention": inner}), None)
            }
            Mention::TemplateUser => {
                let inner = json!({"type": "template_mention_user", "template_mention_user": "me"});
                (json!({"type": "template_mention", "template_mention": inner}), None)
            }
            Mention::CustomEmoji(id) => {
                (json!({"type": "custom_emoji", "custom_emoji": self.custom_emoji(*id)}), None)
            }
        }
    }
}
