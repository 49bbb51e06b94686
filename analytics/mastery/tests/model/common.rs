//! A framework and items made of integers: `urn:c:7` in `urn:d:1`, done by `urn:i:42`.

use std::collections::BTreeMap;

use schemas::catalogue::{CatalogueItem, DeclaredItem};
use schemas::framework::{Competency, Domain, Framework};
use schemas::ids::key64;

pub(crate) fn competency_key(competency: u32) -> u64 {
    key64(&format!("urn:c:{competency}"))
}

pub(crate) fn domain_key(domain: u32) -> u64 {
    key64(&format!("urn:d:{domain}"))
}

pub(crate) fn item_key(item: u32) -> u64 {
    key64(&format!("urn:i:{item}"))
}

/// One subject, the domains in rising order, each with its competencies in rising order; every
/// competency has the one before it in its domain as prerequisite.
pub(crate) fn framework(domains: &BTreeMap<u32, Vec<u32>>) -> Framework {
    let status = || "invented placeholder".to_owned();
    Framework {
        domains: domains
            .iter()
            .map(|(domain, competencies)| Domain {
                uri: format!("urn:d:{domain}"),
                subject: "maths".to_owned(),
                label_fr: format!("domaine {domain}"),
                status: status(),
                competencies: competencies
                    .iter()
                    .enumerate()
                    .map(|(index, competency)| Competency {
                        uri: format!("urn:c:{competency}"),
                        label_fr: format!("compétence {competency}"),
                        status: status(),
                        prerequisites: (index > 0)
                            .then(|| format!("urn:c:{}", competencies[index - 1]))
                            .into_iter()
                            .collect(),
                    })
                    .collect(),
            })
            .collect(),
        ..Framework::seconde().clone()
    }
}

pub(crate) fn item(id: u32, competencies: &[u32], params: (f64, f64, f64)) -> CatalogueItem {
    CatalogueItem {
        id: format!("urn:i:{id}").parse().expect("an IRI"),
        title: BTreeMap::from([("fr".to_owned(), format!("exercice {id}"))]),
        subject: "maths".to_owned(),
        competencies: competencies.iter().map(|c| format!("urn:c:{c}")).collect(),
        intent: None,
        item: Some(DeclaredItem {
            a: params.0,
            b: params.1,
            s2: params.2,
        }),
        level: None,
    }
}
