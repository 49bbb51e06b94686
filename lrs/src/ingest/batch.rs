//! Requests that wait together, an answer for each: which are conflicts, which statements are new.
//! Pure: decided before anything is written.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Rejection, Request};
use crate::statement::{Stamped, equivalence, payload};

/// A statement that is stored already under an id that was sent.
#[derive(Clone, Debug)]
pub struct Existing {
    /// Its bytes, compressed.
    pub payload: Vec<u8>,
    /// The key of who vouches for it.
    pub authority: Uuid,
}

/// What becomes of a group.
#[derive(Debug)]
pub struct Decision<'a> {
    /// The new statements, in the order in which they came.
    pub new: Vec<&'a Stamped>,
    /// Why each request is refused, if it is; in the order of the requests.
    pub refused: Vec<Option<Rejection>>,
}

/// Decides a group, each request on its own.
///
/// A request is taken whole or refused whole, and one that is refused leaves nothing behind but keys
/// in dictionaries, should it lose a race. Of equal ids in the group the first that is taken wins; the
/// second is the same statement, or a conflict.
#[must_use]
pub fn decide<'a>(requests: &[&'a Request], existing: &HashMap<Uuid, Existing>) -> Decision<'a> {
    let mut taken: HashMap<Uuid, &'a Stamped> = HashMap::new();
    let mut new = Vec::new();
    let mut refused = Vec::with_capacity(requests.len());
    for request in requests {
        match fresh(request, existing, &taken) {
            Ok(statements) => {
                taken.extend(
                    statements
                        .iter()
                        .map(|statement| (statement.id.as_uuid(), *statement)),
                );
                new.extend(statements);
                refused.push(None);
            }
            Err(conflict) => refused.push(Some(conflict)),
        }
    }
    Decision { new, refused }
}

/// The statements of a request that are not stored yet, or why it is refused: its first conflict, or
/// its first voiding that the sender may not do.
fn fresh<'a>(
    request: &'a Request,
    existing: &HashMap<Uuid, Existing>,
    taken: &HashMap<Uuid, &'a Stamped>,
) -> Result<Vec<&'a Stamped>, Rejection> {
    let mut fresh = Vec::with_capacity(request.statements.len());
    for (index, statement) in request.statements.iter().enumerate() {
        let id = statement.id.as_uuid();
        let known = existing
            .get(&id)
            .map(|known| known.payload.as_slice())
            .or_else(|| taken.get(&id).map(|first| first.payload.as_slice()));
        match known {
            None if may_void(request, statement, existing, taken) => fresh.push(statement),
            None => return Err(Rejection::Voiding { index }),
            Some(payload) if is_same(payload, statement) => {}
            Some(_) => {
                return Err(Rejection::Conflict {
                    index,
                    id: statement.id,
                });
            }
        }
    }
    Ok(fresh)
}

/// Whether the sender may void the target, when this is a voiding: its own authority wrote the
/// target, or writes it with this very request (docs/decisions/0018).
///
/// What is not stored is nobody's yet. Should somebody else store it before this group is written,
/// the write fails on the id that this request brings too, and the group is decided anew.
fn may_void(
    request: &Request,
    statement: &Stamped,
    existing: &HashMap<Uuid, Existing>,
    taken: &HashMap<Uuid, &Stamped>,
) -> bool {
    let Some(target) = statement.voids.filter(|_| !statement.voids_others) else {
        return true;
    };
    let written_by = existing
        .get(&target.as_uuid())
        .map(|known| known.authority)
        .or_else(|| {
            taken
                .get(&target.as_uuid())
                .map(|first| first.authority.hash())
        });
    match written_by {
        Some(authority) => authority == statement.authority.hash(),
        None => request.statements.iter().any(|other| other.id == target),
    }
}

fn is_same(kept: &[u8], again: &Stamped) -> bool {
    if kept == again.payload {
        return true;
    }
    match (
        payload::decompress(kept),
        payload::decompress(&again.payload),
    ) {
        (Ok(kept), Ok(again)) => equivalence::same(&kept, &again),
        // What cannot be read cannot be said to be the same.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ingest::testing;

    fn request(statements: &[(u8, &str)]) -> Request {
        let body: Vec<_> = statements
            .iter()
            .map(|(id, verb)| {
                json!({ "id": Uuid::from_bytes([0x40 | id; 16]), "actor": { "mbox": "mailto:a@example.org" },
                    "verb": { "id": format!("https://example.org/{verb}") }, "object": { "id": "https://example.org/o" } })
            })
            .collect();
        testing::sent_by(&json!({}), true, body)
    }

    fn shown(requests: &[Request], existing: &[&Request]) -> (Vec<usize>, Vec<Option<usize>>) {
        let existing = existing
            .iter()
            .flat_map(|request| &request.statements)
            .map(|one| {
                (
                    one.id.as_uuid(),
                    Existing {
                        payload: one.payload.clone(),
                        authority: one.authority.hash(),
                    },
                )
            })
            .collect();
        let requests: Vec<&Request> = requests.iter().collect();
        let decision = decide(&requests, &existing);
        let new = decision
            .new
            .iter()
            .map(|one| usize::from(one.id.as_uuid().as_bytes()[0] & 0xf))
            .collect();
        let refused = decision
            .refused
            .iter()
            .map(|rejection| match rejection {
                Some(Rejection::Conflict { index, .. }) => Some(*index),
                Some(other) => panic!("{other}"),
                None => None,
            })
            .collect();
        (new, refused)
    }

    #[test]
    fn a_conflict_refuses_its_request_whole_and_no_neighbour() {
        let stored = request(&[(1, "a")]);
        let requests = [
            request(&[(2, "a")]),
            request(&[(3, "a"), (1, "b")]),
            request(&[(4, "a")]),
        ];
        assert_eq!(
            shown(&requests, &[&stored]),
            (vec![2, 4], vec![None, Some(1), None])
        );
    }

    #[test]
    fn the_first_of_two_equal_ids_wins() {
        let requests = [
            request(&[(1, "a")]),
            request(&[(1, "a"), (2, "a")]),
            request(&[(1, "b")]),
        ];
        assert_eq!(
            shown(&requests, &[]),
            (vec![1, 2], vec![None, None, Some(0)])
        );
    }

    #[test]
    fn a_refused_request_takes_no_id() {
        let stored = request(&[(1, "a")]);
        let requests = [request(&[(2, "a"), (1, "b")]), request(&[(2, "b")])];
        assert_eq!(shown(&requests, &[&stored]), (vec![2], vec![Some(1), None]));
    }

    /// A request of one sender, who may not void others' statements: ids, and what each voids.
    fn sent_by(sender: &str, statements: &[(u8, Option<u8>)]) -> Request {
        let id = |n: u8| Uuid::from_bytes([0x40 | n; 16]);
        let body: Vec<_> = statements
            .iter()
            .map(|(n, voids)| {
                let (verb, object) = match voids {
                    Some(target) => (
                        "http://adlnet.gov/expapi/verbs/voided".to_owned(),
                        json!({ "objectType": "StatementRef", "id": id(*target) }),
                    ),
                    None => (
                        "https://example.org/v".to_owned(),
                        json!({ "id": "https://example.org/o" }),
                    ),
                };
                json!({ "id": id(*n), "actor": { "mbox": "mailto:a@example.org" },
                    "verb": { "id": verb }, "object": object })
            })
            .collect();
        testing::sent_by(&json!({ "account": sender }), false, body)
    }

    /// For each request the statement that is refused as a voiding, if one is.
    fn voidings(requests: &[Request], stored: &[&Request]) -> Vec<Option<usize>> {
        let existing = stored
            .iter()
            .flat_map(|request| &request.statements)
            .map(|one| {
                let known = Existing {
                    payload: one.payload.clone(),
                    authority: one.authority.hash(),
                };
                (one.id.as_uuid(), known)
            })
            .collect();
        let requests: Vec<&Request> = requests.iter().collect();
        let refused = decide(&requests, &existing).refused.into_iter();
        refused
            .map(|rejection| match rejection {
                Some(Rejection::Voiding { index }) => Some(index),
                Some(other) => panic!("{other}"),
                None => None,
            })
            .collect()
    }

    #[test]
    fn who_may_not_void_for_others_voids_what_its_own_authority_wrote() {
        let stored = sent_by("a", &[(1, None)]);
        let voiding = |sender| [sent_by(sender, &[(2, Some(1))])];
        assert_eq!(voidings(&voiding("a"), &[&stored]), [None]);
        assert_eq!(voidings(&voiding("b"), &[&stored]), [Some(0)]);
        // What is not stored is nobody's, except where it comes along, in either order.
        assert_eq!(voidings(&voiding("a"), &[]), [Some(0)]);
        assert_eq!(
            voidings(&[sent_by("a", &[(2, Some(1)), (1, None)])], &[]),
            [None]
        );
        assert_eq!(
            voidings(&[sent_by("a", &[(1, None), (2, Some(1))])], &[]),
            [None]
        );
        // The same statement sent by another does not make it theirs, stored or in the same group.
        let again = sent_by("b", &[(1, None), (2, Some(1))]);
        assert_eq!(voidings(&[again], &[&stored]), [Some(1)]);
        let group = [
            sent_by("a", &[(1, None)]),
            sent_by("b", &[(1, None), (2, Some(1))]),
        ];
        assert_eq!(voidings(&group, &[]), [None, Some(1)]);
        // A voiding that is stored already is sent again in peace.
        let done = sent_by("a", &[(1, None), (2, Some(1))]);
        assert_eq!(voidings(&voiding("a"), &[&done]), [None]);
    }

    #[test]
    fn what_is_stored_is_not_new() {
        let stored = request(&[(1, "a"), (2, "a")]);
        assert_eq!(
            shown(&[request(&[(2, "a"), (3, "a")])], &[&stored]),
            (vec![3], vec![None])
        );
    }
}
