use proptest::prelude::*;

use super::*;

#[test]
fn a_statement_id_is_shown_in_lower_case_and_compared_as_bits() {
    let upper: StatementId = "E05AA883-ACAF-40AD-BF54-02C8CE485FB0".parse().unwrap();
    let lower: StatementId = "e05aa883-acaf-40ad-bf54-02c8ce485fb0".parse().unwrap();
    assert_eq!(upper, lower);
    assert_eq!(upper.to_string(), "e05aa883-acaf-40ad-bf54-02c8ce485fb0");
    assert_eq!("e05aa883".parse::<StatementId>(), Err(IdError::NotAUuid));
    assert_eq!(
        serde_json::to_string(&upper).unwrap(),
        "\"e05aa883-acaf-40ad-bf54-02c8ce485fb0\""
    );
    assert_eq!(
        serde_json::from_str::<StatementId>("\"E05AA883-ACAF-40AD-BF54-02C8CE485FB0\"").unwrap(),
        upper
    );
    assert!(serde_json::from_str::<StatementId>("\"x\"").is_err());
}

#[test]
fn an_activity_iri_is_kept_as_written() {
    let iri: ActivityIri = "https://Example.org/A".parse().unwrap();
    assert_eq!(iri.as_str(), "https://Example.org/A");
    assert_ne!(iri, "https://example.org/A".parse().unwrap());
    assert_eq!("/a".parse::<ActivityIri>(), Err(IdError::NotAnIri));
    assert!(serde_json::from_str::<ActivityIri>("\"a\"").is_err());
}

#[test]
fn the_key_of_an_iri_is_the_head_of_its_sha_256() {
    // The SHA-256 of nothing begins e3b0c44298fc1c14, that of "abc" ba7816bf8f01cfea.
    assert_eq!(key64(""), 0xe3b0_c442_98fc_1c14);
    assert_eq!(key64("abc"), 0xba78_16bf_8f01_cfea);
}

#[test]
fn the_key_of_an_account_is_the_hmac_of_its_identifier() {
    // The HMAC-SHA-256 of "mbox\nmailto:a@example.org" under "secret", as Python's hmac gives it,
    // with the version and the variant of a UUID version 8 put in.
    let key = AccountKey::derive(b"secret", &Ifi::Mbox("mailto:a@EXAMPLE.org".to_owned()));
    assert_eq!(key.to_string(), "7ca31784-338f-84ff-8f5a-faeb65df97f3");
    assert_eq!(key.as_uuid().get_version_num(), 8);
    assert_eq!(PersonKey::from(key).as_uuid(), key.as_uuid());
}

proptest! {
    #[test]
    fn another_secret_or_identifier_gives_another_key(a in ".{0,20}", b in ".{0,20}", home in ".{1,20}") {
        let account = |name: &str| Ifi::Account { home_page: home.clone(), name: name.to_owned() };
        let key = |secret: &[u8], name: &str| AccountKey::derive(secret, &account(name));
        prop_assert_eq!(key(b"s", &a) == key(b"s", &b), a == b);
        prop_assert_ne!(key(b"s", &a), key(b"t", &a));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let read = text.parse::<Registration>();
        prop_assert_eq!(read.is_ok(), text.len() == 36 && Uuid::try_parse(&text).is_ok());
        let iri = text.parse::<ActivityIri>();
        prop_assert!(iri.is_err() || iri.unwrap().as_str() == text);
    }
}
