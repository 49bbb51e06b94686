use proptest::prelude::*;

use super::*;

#[test]
fn iris() {
    let good = [
        "https://example.org/",
        "http://adlnet.gov/expapi/verbs/answered",
        "mailto:a@example.org",
        "urn:x:y",
        "a:",
        "tag:x,2026:y#z",
        "https://example.org:8080/a?b=c#d",
        "https://utilisateur@example.org/",
        "https://[::1]/x",
        "https://example.org/%C3%A9",
        "https://example.org/équations",
        "https://example.org?q",
        "x+y-z.1:a//b",
    ];
    let bad = [
        "",
        "answered",
        "/a",
        "//example.org",
        "1a:b",
        ":a",
        "https://example.org/a b",
        "https://example.org/%zz",
        "a:b#c#d",
        "https://exa mple.org",
        "https://example.org:port/",
        "http://example.org/<x>",
        "é:a",
        "https://[::1/",
    ];
    for iri in good {
        assert!(is_iri(iri), "{iri}");
    }
    for text in bad {
        assert!(!is_iri(text), "{text}");
    }
    assert!(!is_uri("https://example.org/équations"));
}

#[test]
fn uuids() {
    assert!(parse_uuid("E05AA883-ACAF-40AD-BF54-02C8CE485FB0").is_some());
    assert!(parse_uuid("00000000-0000-0000-0000-000000000000").is_some());
    for bad in [
        "",
        "e05aa883acaf40adbf5402c8ce485fb0",
        "{e05aa883-acaf-40ad-bf54-02c8ce485f}",
        "e05aa883-acaf-40ad-bf54-02c8ce485fb00",
        "e05aa883-acaf-40ad-bf54-02c8ce485fbg",
        "e05aa883-acaf-40ad-bf5402-c8ce485fb0",
        "e05aa883-acaf-40ad-bf54-02c8ce485fé",
    ] {
        assert!(parse_uuid(bad).is_none(), "{bad}");
    }
}

#[test]
fn language_tags() {
    for good in [
        "fr",
        "fr-FR",
        "zh-Hant",
        "sr-Latn-RS",
        "es-419",
        "cmn",
        "de-DE-u-co-phonebk",
        "x-maison",
        "en-a-bbb-x-a-a",
        "i-klingon",
    ] {
        assert!(is_language_tag(good), "{good}");
    }
    for bad in [
        "",
        "f",
        "français",
        "a12345678",
        "fr_FR",
        "fr-",
        "-fr",
        "zh-z-aaa-z-bbb-c-ccc",
        "fr-x",
        "fr fr",
    ] {
        assert!(!is_language_tag(bad), "{bad}");
    }
}

#[test]
fn mail_addresses() {
    assert!(is_mailto("mailto:a@example.org"));
    for bad in [
        "a@example.org",
        "mailto:a",
        "mailto:@b",
        "mailto:a@",
        "mailto:a@b@c",
        "mailto:a b@c",
        "MAILTO:a@b",
    ] {
        assert!(!is_mailto(bad), "{bad}");
    }
}

#[test]
fn media_types() {
    for good in [
        "text/plain",
        "text/plain; charset=utf-8",
        "application/vnd.api+json",
        "image/svg+xml ;a=b",
    ] {
        assert!(is_media_type(good), "{good}");
    }
    for bad in [
        "",
        "text",
        "text/",
        "/plain",
        "text/pl ain",
        "text/plain/x",
        "a b/c",
    ] {
        assert!(!is_media_type(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_looks_plain_is_an_iri_and_a_uri(text in "[a-zA-Z0-9+.:/?#@!_~%-]{0,40}|https?://[a-z0-9.:-]{0,12}[a-z/?#:@!]{0,12}") {
        if is_plain_iri(text.as_bytes()) {
            prop_assert!(<&IriStr>::try_from(text.as_str()).is_ok());
            prop_assert!(<&UriStr>::try_from(text.as_str()).is_ok());
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let answers = [
            is_iri(&text), is_uri(&text), is_language_tag(&text), is_mailto(&text), is_media_type(&text),
            is_sha1_hex(&text), is_sha2_hex(&text), parse_uuid(&text).is_some(), is_version_of(&text, "1.0"),
        ];
        // What is a URI is an IRI, and a mail address is an IRI only with its scheme.
        prop_assert!(answers[0] || !answers[1]);
    }

    #[test]
    fn a_uuid_is_read_back(bytes in any::<[u8; 16]>()) {
        let uuid = Uuid::from_bytes(bytes);
        prop_assert_eq!(parse_uuid(&uuid.to_string()), Some(uuid));
        prop_assert_eq!(parse_uuid(&uuid.to_string().to_uppercase()), Some(uuid));
    }
}
