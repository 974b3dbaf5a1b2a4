//! The custom emojis of the first workspace: three small pictures.

use uuid::Uuid;

use super::NORTHWIND;
use crate::content::Content;
use crate::content::blob::Blob;
use crate::content::emoji::CustomEmoji;

/// What a custom emoji looks like whose picture nobody gave.
pub(super) const DOT: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6\" fill=\"#777\"/></svg>";

const EMOJIS: [(u128, &str, &str); 3] = [
    (
        0x2ac6_1f0e_7b52_8045_9d31_007a_60b7_0006,
        "northwind",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"7\" fill=\"#27a\"/>\
         <path d=\"M8 2l3 10-3-2-3 2z\" fill=\"#fff\"/></svg>",
    ),
    (
        0x2ac6_1f0e_7b52_8045_9d31_007a_60b7_0007,
        "ship-it",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path d=\"M1 10h14l-3 4H4z\" fill=\"#843\"/>\
         <path d=\"M8 1v8H3z\" fill=\"#e63\"/></svg>",
    ),
    (
        0x2ac6_1f0e_7b52_8045_9d31_007a_60b7_0008,
        "green-check",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
         <path d=\"M2 8l4 4 8-9\" fill=\"none\" stroke=\"#2a5\" stroke-width=\"3\"/></svg>",
    ),
];

pub(super) fn plant(content: &mut Content) {
    content.custom_emojis = EMOJIS
        .iter()
        .map(|(id, name, picture)| CustomEmoji {
            id: Uuid::from_u128(*id),
            workspace: NORTHWIND,
            name: (*name).to_owned(),
            picture: Blob(bytes::Bytes::from_static(picture.as_bytes())),
        })
        .collect();
}
