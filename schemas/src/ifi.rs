//! The inverse functional identifier of an actor (xAPI 1.0.3 Data 2.4.2.3), and its one canonical
//! form.

use std::fmt;

use serde_json::Value;

/// What identifies an Agent or an identified Group.
///
/// `Debug` shows the kind alone: an identifier stands in no log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Ifi {
    /// `mbox`: a `mailto:` IRI.
    Mbox(String),
    /// `mbox_sha1sum`: the SHA-1 of a `mailto:` IRI, in hexadecimal.
    MboxSha1Sum(String),
    /// `openid`: a URI.
    OpenId(String),
    /// `account`: a name on a system.
    Account {
        /// IRI of the system on which the account is.
        home_page: String,
        /// The name of the account there.
        name: String,
    },
}

impl Ifi {
    /// The identifier of an Agent or Group; none for an anonymous Group, and none for what is not
    /// an actor. Meant for validated actors: of several identifiers the first counts.
    #[must_use]
    pub fn from_actor(actor: &Value) -> Option<Self> {
        let text = |key: &str| actor.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(mbox) = text("mbox") {
            return Some(Self::Mbox(mbox));
        }
        if let Some(account) = actor.get("account") {
            return Some(Self::Account {
                home_page: account.get("homePage")?.as_str()?.to_owned(),
                name: account.get("name")?.as_str()?.to_owned(),
            });
        }
        if let Some(sum) = text("mbox_sha1sum") {
            return Some(Self::MboxSha1Sum(sum));
        }
        text("openid").map(Self::OpenId)
    }

    /// The form under which two spellings of the same identifier meet: the domain of a mail
    /// address and the hexadecimal of a SHA-1 in lower case, everything else as written. Kinds
    /// never meet, and a separator that no IRI holds stands between `homePage` and `name`.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::Mbox(mbox) => format!("mbox\n{}", canonical_mbox(mbox)),
            Self::MboxSha1Sum(sum) => format!("mbox_sha1sum\n{}", sum.to_ascii_lowercase()),
            Self::OpenId(uri) => format!("openid\n{uri}"),
            Self::Account { home_page, name } => format!("account\n{home_page}\n{name}"),
        }
    }

    /// The key of the specification that holds this kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mbox(_) => "mbox",
            Self::MboxSha1Sum(_) => "mbox_sha1sum",
            Self::OpenId(_) => "openid",
            Self::Account { .. } => "account",
        }
    }
}

/// `mailto:` and the domain in lower case; the local part as written, since only its host may say
/// that case does not matter there.
fn canonical_mbox(mbox: &str) -> String {
    let address = match mbox.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &mbox[7..],
        _ => mbox,
    };
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("mailto:{local}@{}", domain.to_ascii_lowercase()),
        None => format!("mailto:{address}"),
    }
}

impl fmt::Debug for Ifi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ifi({})", self.kind())
    }
}

#[cfg(test)]
mod tests;
