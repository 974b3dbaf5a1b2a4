//! Sealing as its users see it: what opens, what does not, and the format that stored bytes have.

use proptest::prelude::*;
use sealing::{
    Cell, DataKey, Keyring, KeyringError, OpenError, RootKey, Row, Sealed, Secret, WrappedDataKey,
};

enum Token {}

const ROW: Row<'static> = Row { table: "grants", client_id: "client", id: "grt_1" };
const CELL: Cell<'static> = Cell { row: ROW, column: "access_token", generation: 7 };

/// Counts up instead of being random, so that the bytes can be written down.
fn counting() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |buffer: &mut [u8]| {
        for byte in buffer {
            *byte = next;
            next = next.wrapping_add(1);
        }
    }
}

fn keyring() -> (RootKey, Keyring, sealing::StoredKeyring) {
    let mut random = counting();
    let root = RootKey::generate(&mut random);
    let (keyring, stored) = Keyring::create(&root, &mut random);
    (root, keyring, stored)
}

fn sealed_token(text: &str) -> (Keyring, DataKey, WrappedDataKey, Sealed<Token>) {
    let (_, keyring, _) = keyring();
    let mut random = counting();
    let (key, wrapped) = keyring.new_data_key(&ROW, &mut random);
    let sealed = key.seal(&CELL, &Secret::new(text.to_owned()), &mut random);
    (keyring, key, wrapped, sealed)
}

#[test]
fn what_was_sealed_opens_after_a_restart() {
    let (root, _, stored) = keyring();
    let (_, _, wrapped, sealed) = sealed_token("ntn_secret");
    let reopened = Keyring::open(&RootKey::parse(root.to_text().expose()).unwrap(), &stored).unwrap();
    let key = reopened
        .open_data_key(&ROW, &WrappedDataKey::from_bytes(wrapped.as_bytes().to_vec()).unwrap())
        .unwrap();
    let stored = Sealed::<Token>::from_bytes(sealed.as_bytes().to_vec()).unwrap();
    assert_eq!(key.open(&CELL, &stored).unwrap().expose(), "ntn_secret");
}

#[test]
fn the_format_is_version_key_nonce_ciphertext_tag() {
    let (_, _, wrapped, sealed) = sealed_token("ntn_secret");
    assert_eq!(sealed.as_bytes()[..5], [1, 0, 0, 0, 0]);
    assert_eq!(sealed.as_bytes().len(), 1 + 4 + 12 + "ntn_secret".len() + 16);
    assert_eq!(wrapped.as_bytes()[..5], [1, 0, 0, 0, 1]);
    let hex: String = sealed.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    // A vector of our own: if it changes, stored tokens no longer open.
    assert_eq!(hex, include_str!("sealed.hex").trim());
}

#[test]
fn a_cell_opens_nowhere_else() {
    let (_, key, _, sealed) = sealed_token("ntn_secret");
    let elsewhere = [
        Cell { column: "refresh_token", ..CELL },
        Cell { generation: 8, ..CELL },
        Cell { row: Row { id: "grt_2", ..ROW }, ..CELL },
        Cell { row: Row { client_id: "other", ..ROW }, ..CELL },
        Cell { row: Row { table: "candidates", ..ROW }, ..CELL },
    ];
    for cell in elsewhere {
        assert_eq!(key.open(&cell, &sealed).unwrap_err(), OpenError::Refused, "{cell:?}");
    }
}

#[test]
fn a_data_key_opens_only_for_its_row() {
    let (keyring, _, wrapped, _) = sealed_token("ntn_secret");
    let other = Row { id: "grt_2", ..ROW };
    assert!(matches!(keyring.open_data_key(&other, &wrapped), Err(OpenError::Refused)));
}

#[test]
fn an_unknown_epoch_is_named_and_nothing_is_tried() {
    let (keyring, _, wrapped, _) = sealed_token("ntn_secret");
    let mut bytes = wrapped.as_bytes().to_vec();
    bytes[4] = 9;
    let later = WrappedDataKey::from_bytes(bytes).unwrap();
    assert!(matches!(keyring.open_data_key(&ROW, &later), Err(OpenError::KeyUnknown(9))));
}

#[test]
fn another_root_key_is_told_from_damage() {
    let (root, _, mut stored) = keyring();
    let other = RootKey::parse(&"ab".repeat(32)).unwrap();
    assert!(matches!(Keyring::open(&other, &stored), Err(KeyringError::WrongRootKey)));
    stored.lookup.truncate(3);
    assert!(matches!(Keyring::open(&root, &stored), Err(KeyringError::Damaged)));
    stored.current = 5;
    assert!(matches!(Keyring::open(&root, &stored), Err(KeyringError::Damaged)));
}

#[test]
fn a_root_key_is_32_bytes_and_is_never_echoed() {
    for bad in ["", "short", &"g".repeat(64), &"a".repeat(43), "AAAA"] {
        let error = RootKey::parse(bad).map(|_| ()).unwrap_err().to_string();
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
    assert!(RootKey::parse(&format!("  {}\n", "0f".repeat(32))).is_ok());
}

#[test]
fn a_root_key_in_hex_is_the_same_key_as_in_base64() {
    let bytes: Vec<u8> = (0..32).map(|number| number * 7 + 3).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = RootKey::parse(&hex).unwrap();
    assert_eq!(key.to_text().expose(), "AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dw=");
    assert_eq!(RootKey::parse(key.to_text().expose()).unwrap().to_text().expose(), key.to_text().expose());
}

#[test]
fn an_epochs_key_opens_as_no_other_epochs() {
    let (root, _, mut stored) = keyring();
    stored.epochs[0].0 += 1;
    stored.current += 1;
    assert!(matches!(Keyring::open(&root, &stored), Err(KeyringError::WrongRootKey)));
}

#[test]
fn what_is_shorter_than_its_frame_or_longer_than_64_kib_has_not_the_format() {
    let (_, key, _, empty) = sealed_token("");
    assert_eq!(empty.as_bytes().len(), 33);
    assert_eq!(key.open(&CELL, &empty).unwrap().expose(), "");
    let shorter = Sealed::<Token>::from_bytes(empty.as_bytes()[..32].to_vec());
    assert_eq!(shorter.map(|_| ()).unwrap_err(), OpenError::Format);
    let (_, key, _, longest) = sealed_token(&"x".repeat(64 * 1024 - 33));
    let stored = Sealed::<Token>::from_bytes(longest.as_bytes().to_vec()).unwrap();
    assert_eq!(key.open(&CELL, &stored).unwrap().expose().len(), 64 * 1024 - 33);
    let longer = Sealed::<Token>::from_bytes([longest.as_bytes(), b"x"].concat());
    assert_eq!(longer.map(|_| ()).unwrap_err(), OpenError::Format);
}

/// Tells whether it was wiped.
struct Told<'f>(&'f std::cell::Cell<bool>);

impl zeroize::Zeroize for Told<'_> {
    fn zeroize(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped() {
    let wiped = std::cell::Cell::new(false);
    let secret = Secret::new(Told(&wiped));
    assert!(!wiped.get());
    drop(secret);
    assert!(wiped.get());
}

#[test]
fn secrets_and_sealed_bytes_are_not_printed() {
    let (_, _, wrapped, sealed) = sealed_token("ntn_secret");
    let printed = format!("{:?} {:?} {:?}", Secret::new("ntn_secret".to_owned()), wrapped, sealed);
    assert_eq!(printed, "[redacted] [wrapped key] [sealed, 43 bytes]");
    assert_eq!(format!("{:?}", sealing::sha256(b"ntn_secret")), "[hash]");
}

proptest! {
    #[test]
    fn any_text_opens_as_it_was_sealed(text in "\\PC{0,500}") {
        let (_, key, _, sealed) = sealed_token(&text);
        let opened = key.open(&CELL, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &text);
    }

    #[test]
    fn a_single_changed_bit_does_not_open(at in 0_usize..43 * 8) {
        let (_, key, _, sealed) = sealed_token("ntn_secret");
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        let opened = Sealed::<Token>::from_bytes(bytes).and_then(|changed| key.open(&CELL, &changed));
        prop_assert!(opened.is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_, key, _, _) = sealed_token("x");
        let opened = Sealed::<Token>::from_bytes(bytes).and_then(|sealed| key.open(&CELL, &sealed));
        prop_assert!(opened.is_err());
    }
}
