//! Whether degrees stay, found out without the exact M: they nearly always do (docs/decisions/0046).
//!
//! A quick M is about the exact one, and a domain's is not even summed up while the same competency is practised:
//! the part of the others moves so little that its bound says enough. Nothing of this goes into a state.

use crate::hyper::Scale;
use crate::maths::quick_expected_sigmoid;
use crate::model::{Domain, Reference, Subject};
use crate::shown::Degree;
use crate::state::{Gauss, Moment, PupilState};

/// How far a quick M is from the exact one, at most: the quick functions are off by less than 1e-6, for levels of
/// some tens by less than 1e-5.
const NEAR: f64 = 1e-4;

/// How much an expected success moves with the mean of its logits, at most: the slope of the logistic function at 0.
const BY_MEAN: f64 = 0.25;

/// The same with their variance, which is never negative: `π/16` times the largest `z·σ(z)·(1 − σ(z))`, which is below
/// 0.224.
const BY_VARIANCE: f64 = 0.044;

/// A competency that an answer practised, and its quick M afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Practised {
    pub(crate) competency: u64,
    pub(crate) m: f64,
}

/// What a look at a domain found, as a note of the fold to itself, good within one model. It is no part of a state: any
/// two are equal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Note(Option<Others>);

impl PartialEq for Note {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The competencies of a domain but one, as they were at a time.
#[derive(Debug, Clone, Copy)]
struct Others {
    /// The one.
    but: u64,
    /// Their part of the domain's M.
    m: f64,
    /// General ability + domain.
    shared: Gauss,
    at: Moment,
    /// How much `m` moves at most with the mean of `shared`, with its variance, and with each second.
    by_mean: f64,
    by_variance: f64,
    by_second: f64,
}

impl Others {
    /// How far their part may have moved until a later time, if nothing practised them meanwhile.
    fn moved(&self, shared: Gauss, now: Moment) -> Option<f64> {
        let seconds = now.seconds_from(self.at)?;
        let mean = self.by_mean * (shared.m - self.shared.m).abs();
        let variance = self.by_variance * (shared.v - self.shared.v).abs();
        Some(mean + variance + self.by_second * seconds)
    }
}

impl Degree {
    /// Whether [`Self::from_last`] certainly keeps it, by an M that is so near the exact one.
    fn surely_stays(self, scale: &Scale, m: f64, near: f64) -> bool {
        let (low, high) = self.kept_within(scale);
        m - near >= low && m + near < high
    }
}

impl PupilState {
    /// Whether a competency's degree certainly stays, by its quick M.
    pub(crate) fn surely_keeps(&self, scale: &Scale, practised: Practised) -> bool {
        let node = self.c.get(&practised.competency);
        let last = node.and_then(|node| node.degree);
        last.is_some_and(|last| last.surely_stays(scale, practised.m, NEAR))
    }

    /// Whether a domain's degree certainly stays after an answer; `practised` is the only one of its competencies
    /// that the answer practised, if there is only one.
    pub(crate) fn domain_surely_keeps(
        &mut self,
        scale: &Scale,
        subject: &Subject,
        domain: &Domain,
        practised: Option<Practised>,
        now: Moment,
    ) -> bool {
        let Some(node) = self.d.get(&domain.key()) else {
            return false;
        };
        let Some(last) = node.degree else {
            return false;
        };
        let shared = Gauss {
            m: self.g.m + node.node.m,
            v: self.g.v + node.node.v,
        };
        if let (Some(practised), Some(others)) = (practised, node.note.0)
            && practised.competency == others.but
            && let Some(moved) = others.moved(shared, now)
        {
            let m = domain.weight() * practised.m + others.m;
            if last.surely_stays(scale, m, NEAR + moved) {
                return true;
            }
        }
        let (m, note) = self.look(subject, domain, shared, practised, now);
        if let Some(node) = self.d.get_mut(&domain.key()) {
            node.note = note;
        }
        last.surely_stays(scale, m, NEAR)
    }

    /// A domain's quick M, and what to note of it.
    fn look(
        &self,
        subject: &Subject,
        domain: &Domain,
        shared: Gauss,
        practised: Option<Practised>,
        now: Moment,
    ) -> (f64, Note) {
        let hyper = subject.hyper();
        let weight = domain.weight();
        let (mut m, mut by_mean, mut by_variance, mut by_second) = (0.0, 0.0, 0.0, 0.0);
        let mut untouched: Option<(Reference, f64)> = None;
        for competency in subject.competencies_of(domain) {
            if practised.is_some_and(|practised| practised.competency == competency.key()) {
                continue;
            }
            let reference = competency.reference();
            let by_level = BY_MEAN * reference.a.abs();
            m += match (self.c.get(&competency.key()), untouched) {
                (Some(node), _) => {
                    let (level, fading) = node.quick_level(subject, now);
                    by_second += by_level * fading;
                    reference.quick_m(shared.m + level, shared.v + node.node.v)
                }
                (None, Some((same, m))) if same == reference => m,
                (None, _) => {
                    let m = reference.quick_m(shared.m, shared.v + hyper.vk);
                    untouched = Some((reference, m));
                    m
                }
            };
            by_mean += by_level;
            by_variance += BY_VARIANCE * reference.a * reference.a;
        }
        let note = practised.map(|practised| Others {
            but: practised.competency,
            m: weight * m,
            shared,
            at: now,
            by_mean: weight * by_mean,
            by_variance: weight * by_variance,
            by_second: weight * by_second,
        });
        let own = practised.map_or(0.0, |practised| practised.m);
        (weight * (m + own), Note(note))
    }
}

impl Reference {
    /// About [`Self::m`].
    pub(crate) fn quick_m(&self, mean: f64, variance: f64) -> f64 {
        quick_expected_sigmoid(self.a * mean - self.b, self.a * self.a * variance)
    }
}

#[cfg(test)]
mod tests {
    use schemas::catalogue::{CatalogueItem, DeclaredItem};
    use schemas::framework::Framework;
    use schemas::ids::key64;

    use super::*;
    use crate::{Finding, Model};

    const ITEMS: u32 = 60;

    fn iri(n: u32) -> String {
        format!("urn:item:{n}")
    }

    /// Items of one competency and of two, of all subjects.
    fn model() -> Model {
        let framework = Framework::seconde();
        let all: Vec<_> = framework.competencies().collect();
        let item = |n: u32| {
            let (domain, competency) = all[n as usize % all.len()];
            let of_subject = all.iter().filter(|(of, _)| of.subject == domain.subject);
            let mut others = of_subject.filter(|(_, other)| other.uri != competency.uri);
            let other = others.nth(n as usize % 5);
            let other = other.filter(|_| n.is_multiple_of(3));
            let mut competencies = vec![competency.uri.clone()];
            competencies.extend(other.map(|(_, other)| other.uri.clone()));
            CatalogueItem {
                id: iri(n).parse().unwrap(),
                title: [("fr".to_owned(), "exercice".to_owned())].into(),
                subject: domain.subject.clone(),
                competencies,
                intent: None,
                item: Some(DeclaredItem {
                    a: 0.5 + f64::from(n % 7) / 5.0,
                    b: f64::from(n % 11) / 4.0 - 1.2,
                    s2: 0.2,
                }),
                level: None,
            }
        };
        Model::new(framework, &(0..ITEMS).map(item).collect::<Vec<_>>())
    }

    /// Numbers from 0 on below another, the same in each run (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, n: u32) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            u32::try_from(self.0 >> 33).unwrap() % n
        }
    }

    #[test]
    fn the_degree_kept_of_a_domain_is_that_of_the_exact_m() {
        let (model, mut numbers) = (model(), Numbers(20_261_128));
        let scale = model.scale();
        for _ in 0..300 {
            let (mut t, skill) = (1e9, numbers.below(10));
            let mut states: Vec<_> = model.subjects().iter().map(PupilState::new).collect();
            for _ in 0..12 {
                t += f64::from(numbers.below(1_000_000));
                let number = numbers.below(ITEMS);
                for _ in 0..numbers.below(15) {
                    t += f64::from(numbers.below(90));
                    let item = model.item(key64(&iri(number))).unwrap();
                    let subject = &model.subjects()[item.subject()];
                    let state = &mut states[item.subject()];
                    let domain = &subject.domains()[item.loadings()[0].domain];
                    let last =
                        |state: &PupilState| state.d.get(&domain.key()).and_then(|d| d.degree);
                    let before = last(state);
                    let known = numbers.below(20) > 0;
                    let now = if numbers.below(20) > 0 {
                        let right = numbers.below(10) < skill;
                        let now = known.then_some(t);
                        state.answer(&model, item, f64::from(u8::from(right)), right, now);
                        now
                    } else {
                        let of = model.reference_item(item.loadings()[0].key).unwrap();
                        state.evaluate(&model, &of, Finding::Share(0.6), t);
                        Some(t)
                    };
                    let m = state.domain(&model, subject, domain, now).m;
                    let wanted = Some(Degree::from_last(scale, before, m));
                    assert_eq!(last(state), wanted, "M {m}, before {before:?}");
                }
            }
        }
    }
}
