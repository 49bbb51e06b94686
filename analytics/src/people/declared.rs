//! The declared profile: a degree by domain, as the pupil says it, and nothing else.
//!
//! It is where the fold starts from, before the first answer: a guess, whose weight fades as answers
//! come. To take it back is to fold without it.

use chrono::{DateTime, Utc};
use mastery::Degree;
use schemas::framework::Framework;
use schemas::ids::PersonKey;
use serde::Serialize;
use service::pg::Pool;

use super::InputError;
use crate::store::declared_profiles::{self, DeclaredDegree};
use crate::store::{self, frameworks, inputs, refolds, versions};

/// What is said beside a declared profile.
const NOTE: &str = "Profil déclaré : une estimation de départ, qui compte de moins en moins à mesure que les réponses arrivent.";

/// What a pupil declared.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DeclaredProfile {
    /// The pupil's key.
    pub key: String,
    /// By domain, in the framework's order; those of domains that it does not know any more last.
    pub degrees: Vec<DeclaredDomain>,
    /// What it is, in French.
    pub note: &'static str,
}

/// The degree that was declared for a domain.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DeclaredDomain {
    /// URI of the domain.
    pub domain: String,
    /// What the domain is called; null where the framework in force does not know it: then it counts
    /// for nothing.
    pub label: Option<String>,
    /// The subject; null likewise.
    pub subject: Option<String>,
    /// The degree, 1 to 6.
    pub degree: u8,
    /// The *niveau de maîtrise* in French.
    pub level: String,
    /// When it was declared.
    pub declared: DateTime<Utc>,
}

/// What a pupil declared; none where nothing is.
pub async fn read(pool: &Pool, key: PersonKey) -> Result<Option<DeclaredProfile>, InputError> {
    let client = store::client(pool).await?;
    if !inputs::is_known(&client, key).await? {
        return Err(InputError::UnknownPupil);
    }
    let keys = inputs::keys_of(&client, key).await?;
    let declared = declared_profiles::read(&client, &keys).await?;
    let (_, framework) = frameworks::current(&client).await?;
    Ok(shown(key, &framework, declared))
}

/// Puts degrees by domain in the place of what the pupil declared before, and has the pupil folded
/// again.
pub async fn replace(
    pool: &Pool,
    key: PersonKey,
    degrees: &[(String, Degree)],
) -> Result<Option<DeclaredProfile>, InputError> {
    change(pool, key, degrees).await?;
    read(pool, key).await
}

/// Takes back what the pupil declared, and has the pupil folded again without it; false where there
/// was nothing.
pub async fn delete(pool: &Pool, key: PersonKey) -> Result<bool, InputError> {
    change(pool, key, &[]).await
}

async fn change(
    pool: &Pool,
    key: PersonKey,
    degrees: &[(String, Degree)],
) -> Result<bool, InputError> {
    let mut client = store::client(pool).await?;
    let transaction = store::begin(&mut client).await?;
    // Nobody folds or makes a version in between: each that is alive gets its mark.
    let current = versions::lock_current(&transaction).await?;
    current.ok_or(InputError::NotReady)?;
    if !inputs::is_known(&transaction, key).await? {
        return Err(InputError::UnknownPupil);
    }
    let keys = inputs::keys_of(&transaction, key).await?;
    let was_there = declared_profiles::delete(&transaction, &keys).await?;
    if !degrees.is_empty() {
        declared_profiles::write(&transaction, key, degrees).await?;
    }
    refolds::mark(&transaction, &[key]).await?;
    store::commit(transaction).await?;
    Ok(was_there)
}

fn shown(
    key: PersonKey,
    framework: &Framework,
    declared: Vec<DeclaredDegree>,
) -> Option<DeclaredProfile> {
    let mut domains: Vec<DeclaredDomain> = Vec::new();
    for one in declared {
        let known = framework.domains.iter().find(|d| d.uri == one.domain);
        let number = one.degree.number();
        let level = framework.level(number).map(|level| level.label_fr.clone());
        // The latest of a domain holds, as in the fold.
        domains.retain(|domain| domain.domain != one.domain);
        domains.push(DeclaredDomain {
            domain: one.domain,
            label: known.map(|domain| domain.label_fr.clone()),
            subject: known.map(|domain| domain.subject.clone()),
            degree: number,
            level: level.unwrap_or_else(|| format!("degré {number}")),
            declared: one.declared,
        });
    }
    let place = |one: &DeclaredDomain| {
        let mut uris = framework.domains.iter().map(|domain| &domain.uri);
        uris.position(|uri| *uri == one.domain)
            .unwrap_or(usize::MAX)
    };
    domains.sort_by_key(place);
    (!domains.is_empty()).then(|| DeclaredProfile {
        key: key.to_string(),
        degrees: domains,
        note: NOTE,
    })
}
