//! Addresses in the text: of pages and blocks in Notion's app, and of users. Written in one form, read in many, for
//! people paste what they have.

use uuid::Uuid;

/// A page's or database's address.
pub(crate) fn of_page(id: Uuid) -> String {
    format!("https://app.notion.com/p/{}", id.simple())
}

/// A block's address: its page's, with the block as fragment.
pub(crate) fn of_block(page: Uuid, block: Uuid) -> String {
    format!("{}#{}", of_page(page), block.simple())
}

/// A user's.
pub(crate) fn of_user(id: Uuid) -> String {
    format!("user://{id}")
}

/// The id that an address ends in: that of the fragment, if there is one; with dashes or without; perhaps in the double
/// braces that Notion's own tools put around addresses.
pub(crate) fn id_in(address: &str) -> Option<Uuid> {
    let address = address.trim_start_matches("{{").trim_end_matches("}}");
    let address = match address.rsplit_once('#') {
        Some((_, fragment)) => fragment,
        None => address.split('?').next().unwrap_or_default(),
    };
    let digits: String = address.chars().rev().filter(|c| *c != '-').take(32).collect();
    let digits: String = digits.chars().rev().collect();
    if digits.len() == 32 { Uuid::try_parse(&digits).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_every_form_of_address() {
        let id = Uuid::from_u128(0x393a_bc1e_edcd_8142_936b_cca8_ae69_2cc4);
        for address in [
            of_page(id),
            of_user(id),
            of_block(Uuid::nil(), id),
            format!("https://www.notion.so/A-page-{}?pvs=4", id.simple()),
            format!("{{{{{id}}}}}"),
            id.to_string(),
        ] {
            assert_eq!(id_in(&address), Some(id), "{address}");
        }
        assert_eq!(id_in("https://example.com/"), None);
    }
}
