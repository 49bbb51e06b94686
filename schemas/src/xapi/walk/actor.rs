//! Actors (Data 2.4.2) and the authority (Data 2.4.9).

use serde_json::{Map, Value};

use super::{At, Walk};
use crate::xapi::{formats, rules};

const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];
const AGENT_KEYS: &[&str] = &[
    "objectType",
    "name",
    "mbox",
    "mbox_sha1sum",
    "openid",
    "account",
];
const GROUP_KEYS: &[&str] = &[
    "objectType",
    "name",
    "member",
    "mbox",
    "mbox_sha1sum",
    "openid",
    "account",
];

impl Walk<'_> {
    /// An Agent or a Group; an Agent where nothing is said.
    pub(super) fn actor(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        match map.get("objectType") {
            None => self.agent(at, value),
            Some(kind) if kind == "Agent" => self.agent(at, value),
            Some(kind) if kind == "Group" => self.group(at, value),
            Some(_) => self.object_type_is_wrong(at, map, &rules::ACTOR_OBJECT_TYPE),
        }
    }

    pub(super) fn agent(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        match map.get("objectType") {
            Some(kind) if kind != "Agent" => {
                self.object_type_is_wrong(at, map, &rules::AGENT_REQUIRED)
            }
            _ => {}
        }
        for (key, value) in map {
            let at = at.key(key);
            if !self.identity(at, key, value) {
                self.unknown(at, key, AGENT_KEYS);
            }
        }
        if self.identifiers(at, map) == 0 {
            self.tell(at, &rules::IFI_MISSING);
        }
    }

    pub(super) fn group(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        match map.get("objectType") {
            Some(kind) if kind == "Group" => {}
            Some(_) => self.object_type_is_wrong(at, map, &rules::GROUP_REQUIRED),
            None => self.tell(at, &rules::GROUP_REQUIRED),
        }
        for (key, value) in map {
            let at = at.key(key);
            if key == "member" {
                self.each(at, value, Self::member);
            } else if !self.identity(at, key, value) {
                self.unknown(at, key, GROUP_KEYS);
            }
        }
        if self.identifiers(at, map) == 0 && !map.contains_key("member") {
            self.tell(at, &rules::GROUP_UNIDENTIFIED);
        }
    }

    fn member(&mut self, at: At<'_>, value: &Value) {
        if value.get("objectType").is_some_and(|kind| kind == "Group") {
            return self.tell(at, &rules::MEMBER_NOT_AGENT);
        }
        self.agent(at, value);
    }

    /// Data 2.4.9: an Agent, or two of them in an anonymous Group: an application, which is
    /// identified by its account, and its user.
    pub(super) fn authority(&mut self, at: At<'_>, value: &Value) {
        self.actor(at, value);
        let Some(map) = value.as_object() else { return };
        if map.get("objectType").is_some_and(|kind| kind == "Group") {
            let anonymous = IDENTIFIERS.iter().all(|key| !map.contains_key(*key));
            let pair = map
                .get("member")
                .and_then(Value::as_array)
                .is_some_and(|members| {
                    members.len() == 2 && members.iter().any(|one| one.get("account").is_some())
                });
            if !(anonymous && pair) {
                self.tell(at, &rules::AUTHORITY_GROUP);
            }
        }
    }

    /// How many identifiers there are; tells when there are several.
    fn identifiers(&mut self, at: At<'_>, map: &Map<String, Value>) -> usize {
        let count = IDENTIFIERS
            .iter()
            .filter(|key| map.contains_key(**key))
            .count();
        if count > 1 {
            self.tell(at, &rules::IFI_SEVERAL);
        }
        count
    }

    /// The properties that Agents and Groups share; false for any other.
    fn identity(&mut self, at: At<'_>, key: &str, value: &Value) -> bool {
        match key {
            "objectType" => {}
            "name" => {
                self.string(at, value);
            }
            "mbox" => self.mbox(at, value),
            "mbox_sha1sum" => self.text(
                at,
                value,
                &rules::MBOX_SHA1SUM_NOT_HEX,
                formats::is_sha1_hex,
            ),
            "openid" => self.text(at, value, &rules::OPENID_NOT_URI, formats::is_uri),
            "account" => self.account(at, value),
            _ => return false,
        }
        true
    }

    fn mbox(&mut self, at: At<'_>, value: &Value) {
        let Some(mbox) = self.string(at, value) else {
            return;
        };
        if !formats::is_mailto(mbox) {
            self.tell(at, &rules::MBOX_NOT_MAILTO);
        } else if !formats::is_iri(mbox) {
            self.tell(at, &rules::MBOX_NOT_IRI);
        }
    }

    fn account(&mut self, at: At<'_>, value: &Value) {
        let Some(map) = self.object(at, value) else {
            return;
        };
        for (key, value) in map {
            let at = at.key(key);
            match key.as_str() {
                "homePage" => self.iri(at, value, &rules::ACCOUNT_HOME_PAGE_NOT_IRI),
                "name" => {
                    self.string(at, value);
                }
                _ => self.unknown(at, key, &["homePage", "name"]),
            }
        }
        self.require(at, map, "homePage", &rules::ACCOUNT_HOME_PAGE_MISSING);
        self.require(at, map, "name", &rules::ACCOUNT_NAME_MISSING);
    }
}
