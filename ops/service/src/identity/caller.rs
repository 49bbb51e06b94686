//! Who calls, and what they may do.

use std::sync::Arc;

use schemas::ifi::Ifi;
use serde_json::{Value, json};

use super::{Action, ActivityPrefix, ProfileMode, School, Scope};
use crate::error::Problem;
use crate::store::credentials::Stored;

/// Who calls. As an argument of a handler it asks for a valid credential or token, else the answer
/// is 401. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Who>);

/// Who it is.
#[derive(Debug)]
pub enum Who {
    /// An application, with a credential or a token of its own.
    Application(Application),
    /// A person, by a token that an application was given for her.
    Person(Person),
}

/// An application.
#[derive(Debug)]
pub struct Application {
    /// The key of its credential, or the id that the issuer of its token knows it by.
    pub key: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The school that it works for.
    pub school: Option<School>,
    /// The activities that it may write statements about; none: any.
    pub activity_prefix: Option<ActivityPrefix>,
    /// How its statements are checked against the profile; none: as the setting says.
    pub profile_mode: Option<ProfileMode>,
    /// How its statements are vouched for.
    vouching: Vouching,
}

/// A person. `Debug` hides who.
pub struct Person {
    /// Her accounts, the one that stands for her first.
    accounts: Vec<Ifi>,
    consumer: Consumer,
}

/// The application that an issuer gave a token to, as an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Where its id is known.
    pub home_page: String,
    /// Its id there.
    pub id: String,
}

#[derive(Debug)]
enum Vouching {
    /// By an account of this LRS.
    Credential,
    /// By the application that was given a token, and the person for whom, if for one.
    Token(Consumer, Option<Ifi>),
}

impl Caller {
    /// The application of a credential.
    pub(super) fn credential(key: &str, stored: &Stored) -> Self {
        Self(Arc::new(Who::Application(Application {
            key: key.to_owned(),
            scopes: stored.scopes.clone(),
            school: stored.binding.school.clone(),
            activity_prefix: stored.binding.activity_prefix.clone(),
            profile_mode: stored.profile_mode,
            vouching: Vouching::Credential,
        })))
    }

    /// An application by a token with scopes, and the person that it was given for, if any.
    #[must_use]
    pub fn application(consumer: Consumer, scopes: Vec<Scope>, person: Option<Ifi>) -> Self {
        Self(Arc::new(Who::Application(Application {
            key: consumer.id.clone(),
            scopes,
            school: None,
            activity_prefix: None,
            profile_mode: None,
            vouching: Vouching::Token(consumer, person),
        })))
    }

    /// A person by a token without scopes: `account`, and the others that are hers.
    #[must_use]
    pub fn person(consumer: Consumer, account: Ifi, others: Vec<Ifi>) -> Self {
        let accounts = std::iter::once(account).chain(others).collect();
        Self(Arc::new(Who::Person(Person { accounts, consumer })))
    }

    /// Who it is.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.0
    }

    /// The person who calls, if it is one.
    #[must_use]
    pub fn as_person(&self) -> Option<&Person> {
        match self.who() {
            Who::Person(person) => Some(person),
            Who::Application(_) => None,
        }
    }

    /// The application that calls, for itself or for a person. It names no person.
    #[must_use]
    pub fn key(&self) -> &str {
        match self.who() {
            Who::Application(application) => &application.key,
            Who::Person(person) => &person.consumer.id,
        }
    }

    /// 403 unless the caller may do this.
    pub fn require(&self, action: Action) -> Result<(), Problem> {
        if self.may(action) {
            return Ok(());
        }
        Err(match self.who() {
            Who::Application(application) if application.has_scope_for(action) => {
                application.bound_away(action)
            }
            Who::Application(_) => Problem::forbidden(
                "Authorization",
                "scope",
                format!(
                    "this credential has no scope for this: {} is the narrowest",
                    action.narrowest_scope()
                ),
            ),
            Who::Person(_) => Problem::forbidden(
                "Authorization",
                "person-own-only",
                "a person's token is for what is that person's own: statements, state, the declared profile",
            ),
        })
    }

    /// 403 unless the caller may do this for every school: for what cannot be measured by one, and so
    /// is closed to a caller that is bound to one.
    pub fn require_for_every_school(&self, action: Action) -> Result<(), Problem> {
        self.require(action)?;
        match self.who() {
            Who::Application(application) if application.school.is_some() => {
                Err(application.bound_away(action))
            }
            _ => Ok(()),
        }
    }

    /// Whether the caller may do this, whoever it concerns. For a person that is little: what she
    /// may do with what is her own (state, the declared profile) or of whom she teaches is for the one to say who
    /// knows whose it is. A caller that is bound administers nothing, or it would make itself an unbound one; one
    /// that is bound to a school enters evaluations of that school's pupils, as the handler sees to.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        match self.who() {
            Who::Application(application) => {
                application.has_scope_for(action) && !application.is_bound_away(action)
            }
            // Whose statements they are, the LRS looks at in each.
            Who::Person(_) => {
                matches!(action, Action::WriteStatements | Action::ReadOwnStatements)
            }
        }
    }

    /// The school that the caller works for, if it is bound to one.
    #[must_use]
    pub fn school(&self) -> Option<&School> {
        match self.who() {
            Who::Application(application) => application.school.as_ref(),
            Who::Person(_) => None,
        }
    }

    /// The accounts of the person who acts, the one that stands for her first: by her own token, or by one that an
    /// application was given for her. None where nobody is known to.
    #[must_use]
    pub fn acting_accounts(&self) -> &[Ifi] {
        match self.who() {
            Who::Person(person) => person.accounts(),
            Who::Application(application) => match &application.vouching {
                Vouching::Token(_, Some(account)) => std::slice::from_ref(account),
                Vouching::Token(_, None) | Vouching::Credential => &[],
            },
        }
    }

    /// The activities that the caller may write statements about; none: any.
    #[must_use]
    pub fn activity_prefix(&self) -> Option<&ActivityPrefix> {
        match self.who() {
            Who::Application(application) => application.activity_prefix.as_ref(),
            Who::Person(_) => None,
        }
    }

    /// How this caller's statements are checked against the profile; none: as the setting says.
    #[must_use]
    pub fn profile_mode(&self) -> Option<ProfileMode> {
        match self.who() {
            Who::Application(application) => application.profile_mode,
            Who::Person(_) => None,
        }
    }

    /// The authority of this caller's statements (xAPI 1.0.3 Data 2.4.9): for a credential an
    /// account of this LRS, whose `home_page` is given; for a token the application that it was
    /// given to and, where it stands for a person, both in a Group.
    #[must_use]
    pub fn authority(&self, home_page: &str) -> Value {
        match self.who() {
            Who::Application(application) => match &application.vouching {
                Vouching::Credential => account(home_page, &application.key),
                Vouching::Token(consumer, None) => account(&consumer.home_page, &consumer.id),
                Vouching::Token(consumer, Some(person)) => pair(consumer, person),
            },
            Who::Person(person) => pair(&person.consumer, person.account()),
        }
    }
}

impl Application {
    fn has_scope_for(&self, action: Action) -> bool {
        self.scopes.iter().any(|scope| scope.allows(action))
    }

    /// Whether this reaches beyond what the credential is bound to.
    fn is_bound_away(&self, action: Action) -> bool {
        match action {
            Action::Administer | Action::VoidOthers => {
                self.school.is_some() || self.activity_prefix.is_some()
            }
            // What is entered of a pupil is about no activity.
            Action::EnterEvaluations => self.activity_prefix.is_some(),
            _ => false,
        }
    }

    /// 403: the scopes would do, and what the credential is bound to does not.
    fn bound_away(&self, action: Action) -> Problem {
        let by_prefix = action == Action::EnterEvaluations && self.activity_prefix.is_some();
        let by_school = self.school.is_some() && !by_prefix;
        let (rule, detail) = if by_school {
            (
                "school-bound",
                "this credential is bound to a school, and this concerns others, too",
            )
        } else {
            (
                "activity-prefix",
                "this credential is bound to activities of a prefix, and this concerns others, too",
            )
        };
        Problem::forbidden("Authorization", rule, detail)
    }
}

impl Person {
    /// The account that stands for her.
    #[must_use]
    pub fn account(&self) -> &Ifi {
        self.accounts
            .first()
            .expect("a person is made with an account")
    }

    /// Her accounts.
    #[must_use]
    pub fn accounts(&self) -> &[Ifi] {
        &self.accounts
    }

    /// Whether this identifier is hers, however it is spelled.
    #[must_use]
    pub fn is(&self, ifi: &Ifi) -> bool {
        let canonical = ifi.canonical();
        self.accounts
            .iter()
            .any(|account| account.canonical() == canonical)
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("accounts", &self.accounts.len())
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

fn account(home_page: &str, name: &str) -> Value {
    json!({ "objectType": "Agent", "account": { "homePage": home_page, "name": name } })
}

/// The anonymous Group of an OAuth consumer and a user (Data 2.4.9: exactly these two).
fn pair(consumer: &Consumer, person: &Ifi) -> Value {
    let person = match person {
        Ifi::Mbox(mbox) => json!({ "objectType": "Agent", "mbox": mbox }),
        Ifi::MboxSha1Sum(sum) => json!({ "objectType": "Agent", "mbox_sha1sum": sum }),
        Ifi::OpenId(uri) => json!({ "objectType": "Agent", "openid": uri }),
        Ifi::Account { home_page, name } => account(home_page, name),
    };
    json!({
        "objectType": "Group",
        "member": [account(&consumer.home_page, &consumer.id), person],
    })
}

#[cfg(test)]
mod tests {
    use schemas::xapi::{XapiVersion, validate};

    use super::*;

    fn consumer() -> Consumer {
        Consumer {
            home_page: "https://issuer.example.org".to_owned(),
            id: "app".to_owned(),
        }
    }

    fn ifi(name: &str) -> Ifi {
        Ifi::Account {
            home_page: "https://school.example.org".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_person_may_do_what_the_lrs_looks_at_again_and_nothing_else() {
        let person = Caller::person(consumer(), ifi("a"), vec![ifi("b")]);
        let may: Vec<Action> = Action::EVERY
            .into_iter()
            .filter(|action| person.may(*action))
            .collect();
        assert_eq!(may, [Action::WriteStatements, Action::ReadOwnStatements]);
        let hers = person.as_person().expect("a person");
        assert!(hers.is(&ifi("b")) && !hers.is(&ifi("c")));
        assert!(!format!("{person:?}").contains("school.example.org"));
    }

    #[test]
    fn what_is_bound_administers_nothing_and_voids_for_nobody() {
        use super::super::{Binding, SecretHash};
        let bound_to = |school: Option<&str>, prefix: Option<&str>| {
            let binding = Binding {
                school: school.map(|text| text.parse().expect("a school")),
                activity_prefix: prefix.map(|text| text.parse().expect("a prefix")),
            };
            let stored = Stored {
                hash: SecretHash::of("secret"),
                former: None,
                expires: None,
                scopes: vec![Scope::All],
                binding,
                profile_mode: None,
            };
            Caller::credential("key", &stored)
        };
        let rule = |told: Result<(), Problem>| told.err().map(|one| one.errors()[0].rule.clone());
        let free = bound_to(None, None);
        assert!(Action::EVERY.into_iter().all(|action| free.may(action)));
        assert!(free.require_for_every_school(Action::ReadAll).is_ok());
        let refused = [
            Action::Administer,
            Action::VoidOthers,
            Action::EnterEvaluations,
        ];
        for (caller, wanted, refused) in [
            // Whose pupil it is, who knows the roster looks at.
            (
                bound_to(Some("0750655E"), None),
                "school-bound",
                &refused[..2],
            ),
            (
                bound_to(None, Some("https://example.org/")),
                "activity-prefix",
                &refused[..],
            ),
            (
                bound_to(Some("0750655E"), Some("https://example.org/")),
                "school-bound",
                &refused[..],
            ),
        ] {
            let not: Vec<Action> = Action::EVERY
                .into_iter()
                .filter(|action| !caller.may(*action))
                .collect();
            assert_eq!(not, refused);
            let told = rule(caller.require(Action::Administer));
            assert_eq!(told.as_deref(), Some(wanted));
            let everywhere = rule(caller.require_for_every_school(Action::ReadAll));
            let wanted = caller.school().map(|_| "school-bound");
            assert_eq!(everywhere.as_deref(), wanted);
        }
    }

    #[test]
    fn the_authority_of_a_token_has_the_shape_of_the_specification() {
        let person = Caller::person(consumer(), ifi("a"), vec![ifi("b")]);
        let for_her = Caller::application(consumer(), vec![Scope::StatementsWrite], Some(ifi("a")));
        let alone = Caller::application(consumer(), vec![Scope::StatementsWrite], None);
        let pair = person.authority("https://lrs.example.org");
        assert_eq!(pair, for_her.authority("https://lrs.example.org"));
        assert_eq!(pair["objectType"], "Group");
        assert_eq!(pair["member"].as_array().map(Vec::len), Some(2));
        assert_eq!(for_her.acting_accounts(), [ifi("a")]);
        assert_eq!(person.acting_accounts(), [ifi("a"), ifi("b")]);
        assert!(alone.acting_accounts().is_empty());
        assert_eq!(pair["member"][0]["account"]["name"], "app");
        assert_eq!(pair["member"][1]["account"]["name"], "a");
        assert_eq!(
            alone.authority("https://lrs.example.org")["account"]["homePage"],
            "https://issuer.example.org"
        );
        let statement = json!({
            "actor": { "mbox": "mailto:a@example.org" },
            "verb": { "id": "https://example.org/v" },
            "object": { "id": "https://example.org/o" },
            "authority": pair,
        });
        for version in [XapiVersion::V1_0_3, XapiVersion::V2_0_0] {
            assert!(validate(&statement, version).is_empty());
        }
    }
}
