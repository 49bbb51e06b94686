use serde_json::json;

use super::*;

fn canonical(actor: &Value) -> Option<String> {
    Ifi::from_actor(actor).map(|ifi| ifi.canonical())
}

#[test]
fn each_kind_has_its_canonical_form() {
    let form = |actor| canonical(&actor).unwrap();
    assert_eq!(
        form(json!({"mbox": "mailto:Ada@EXAMPLE.org"})),
        "mbox\nmailto:Ada@example.org"
    );
    assert_eq!(
        form(json!({"mbox_sha1sum": "EBD31E95"})),
        "mbox_sha1sum\nebd31e95"
    );
    assert_eq!(
        form(json!({"openid": "https://id.example.org/A"})),
        "openid\nhttps://id.example.org/A"
    );
    let account = json!({"objectType": "Group", "account": {"homePage": "https://Ent.example.org", "name": "A:1"}});
    assert_eq!(form(account), "account\nhttps://Ent.example.org\nA:1");
}

#[test]
fn what_has_no_identifier() {
    assert_eq!(
        canonical(&json!({"objectType": "Group", "member": [{"mbox": "mailto:a@example.org"}]})),
        None
    );
    assert_eq!(canonical(&json!({"account": {"name": "a"}})), None);
    assert_eq!(canonical(&json!({"mbox": 3})), None);
    assert_eq!(canonical(&json!("mailto:a@example.org")), None);
}

#[test]
fn what_is_printed_names_the_kind_alone() {
    let ifi = Ifi::from_actor(&json!({"mbox": "mailto:ada@example.org"})).unwrap();
    assert_eq!(format!("{ifi:?}"), "Ifi(mbox)");
}
