//! Blocks as JSON, each kind with its own content.

use serde_json::{Map, Value, json};

use super::super::version::Version;
use super::{View, exact, minute, partial_user};
use crate::content::block::{Block, Body, MeetingNotes, Text};

impl View<'_> {
    /// A block, without its children.
    pub(crate) fn block(&self, block: &Block) -> Value {
        if !self.caller.capabilities.read_content {
            return json!({"object": "block", "id": block.id});
        }
        let kind = self.kind(&block.body);
        let in_trash = block.in_trash || self.content.ancestor_in_trash(block.id);
        // The children of pages are theirs, not the block's; Notion tells of them all the same.
        let has_children = self.content.live_children(self.content.original(block)).next().is_some();
        let mut body = Map::new();
        body.insert("object".into(), "block".into());
        body.insert("id".into(), block.id.to_string().into());
        body.insert("parent".into(), self.parent(block.parent));
        body.insert("created_time".into(), minute(block.created.at).into());
        body.insert("last_edited_time".into(), minute(block.edited.at).into());
        body.insert("created_by".into(), partial_user(block.created.by));
        body.insert("last_edited_by".into(), partial_user(block.edited.by));
        body.insert("has_children".into(), has_children.into());
        body.insert("in_trash".into(), in_trash.into());
        body.insert("type".into(), kind.into());
        body.insert(kind.into(), self.body(block));
        self.archived(&mut body, in_trash);
        body.into()
    }

    /// The value of `type`. Source: Notion, "Upgrading to 2026-03-11" (read 2026-11-22).
    fn kind(&self, body: &Body) -> &'static str {
        match body {
            Body::MeetingNotes(_) if self.version < Version::V2026_03_11 => "transcription",
            _ => body.kind(),
        }
    }

    fn text(&self, text: &Text, more: Value) -> Value {
        let mut body = Map::new();
        body.insert("rich_text".into(), self.rich_text(&text.rich_text));
        if let Value::Object(more) = more {
            body.extend(more);
        }
        body.insert("color".into(), text.color.into());
        body.into()
    }

    fn meeting_notes(&self, notes: &MeetingNotes) -> Value {
        let mut children = Map::new();
        let blocks = [
            ("summary_block_id", notes.summary),
            ("notes_block_id", notes.notes),
            ("transcript_block_id", notes.transcript),
        ];
        for (key, id) in blocks {
            if let Some(id) = id {
                children.insert(key.into(), id.to_string().into());
            }
        }
        let mut body = Map::new();
        body.insert("title".into(), self.rich_text(&notes.title));
        body.insert("status".into(), notes.status.into());
        body.insert("children".into(), children.into());
        if let Some((start, end)) = notes.recording {
            body.insert("recording".into(), json!({"start_time": exact(start), "end_time": exact(end)}));
        }
        body.into()
    }

    fn body(&self, block: &Block) -> Value {
        match &block.body {
            Body::Paragraph { text, icon } | Body::Callout { text, icon } => {
                self.text(text, json!({"icon": self.icon(icon.as_ref())}))
            }
            Body::Heading { text, is_toggleable, .. } => {
                self.text(text, json!({"is_toggleable": is_toggleable}))
            }
            Body::BulletedListItem(text) | Body::Quote(text) | Body::Toggle(text) => {
                self.text(text, Value::Null)
            }
            Body::NumberedListItem { text, start, format } => {
                let mut more = Map::new();
                if let Some(start) = start {
                    more.insert("list_start_index".into(), (*start).into());
                }
                if let Some(format) = format {
                    more.insert("list_format".into(), (*format).into());
                }
                self.text(text, more.into())
            }
            Body::ToDo { text, checked } => self.text(text, json!({"checked": checked})),
            Body::Template(rich_text) => json!({"rich_text": self.rich_text(rich_text)}),
            Body::Code { rich_text, caption, language } => json!({
                "caption": self.rich_text(caption),
                "rich_text": self.rich_text(rich_text),
                "language": language,
            }),
            Body::Equation(expression) => json!({"expression": expression}),
            Body::Divider | Body::Breadcrumb | Body::Tab | Body::ColumnList => json!({}),
            Body::TableOfContents { color } => json!({"color": color}),
            Body::Column { width_ratio: None } => json!({}),
            Body::Column { width_ratio } => json!({"width_ratio": width_ratio}),
            Body::LinkToPage { kind, id } => json!({"type": kind, *kind: id}),
            Body::SyncedBlock { from } => {
                json!({"synced_from": from.map(|id| json!({"type": "block_id", "block_id": id}))})
            }
            Body::Table { width, has_column_header, has_row_header } => json!({
                "table_width": width,
                "has_column_header": has_column_header,
                "has_row_header": has_row_header,
            }),
            Body::TableRow(cells) => {
                json!({"cells": cells.iter().map(|cell| self.rich_text(cell)).collect::<Vec<_>>()})
            }
            Body::Media { source, caption, name, .. } => {
                let mut body = Map::new();
                body.insert("caption".into(), self.rich_text(caption));
                if let Value::Object(file) = self.file(source) {
                    body.extend(file);
                }
                if let Some(name) = name {
                    body.insert("name".into(), self.block_file_name(name, source).into());
                }
                body.into()
            }
            Body::Web { url, caption, .. } => json!({"caption": self.rich_text(caption), "url": url}),
            Body::LinkPreview(url) => json!({"url": url}),
            Body::MeetingNotes(notes) => self.meeting_notes(notes),
            Body::Unsupported { block_type } => json!({"block_type": block_type}),
            Body::ChildPage | Body::ChildDatabase => json!({"title": self.title(block.id)}),
        }
    }
}
