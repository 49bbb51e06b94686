//! What may be shown of a state: M, the degree, and whether there is enough evidence for it.

use serde::{Deserialize, Serialize};

use crate::hyper::Scale;
use crate::maths::{expected_sigmoid, logit, normal_cdf};
use crate::model::{Competency, Domain, Item, Loading, Model, Reference, Subject};
use crate::quick::Practised;
use crate::state::{Faded, Moment, PupilState, first_of_its_domain};

/// How long after its last practice a competency counts as just practised, in seconds.
const JUST_PRACTISED_S: f64 = 3600.0;

/// One of the six degrees of the scale, 1 (insuffisante) to 6 (très bonne).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Degree(u8);

impl Degree {
    /// The degree of this number, if there is one.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=6).contains(&number).then_some(Self(number))
    }

    /// Its number, 1 to 6.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The degree that M falls into, with no memory of an earlier one.
    #[must_use]
    pub fn of(scale: &Scale, m: f64) -> Self {
        let passed = scale.cuts.iter().filter(|cut| m >= **cut).count();
        Self(u8::try_from(passed + 1).unwrap_or(6))
    }

    /// The degree that M falls into for somebody who was last at `last`: kept within the band.
    #[must_use]
    pub fn from_last(scale: &Scale, last: Option<Self>, m: f64) -> Self {
        let kept = last.filter(|last| {
            let (low, high) = last.kept_within(scale);
            m >= low && m < high
        });
        kept.unwrap_or_else(|| Self::of(scale, m))
    }

    /// From where on and below where M keeps it: its cuts, and the band around them.
    pub(crate) fn kept_within(self, scale: &Scale) -> (f64, f64) {
        (
            self.lower_cut(scale) - scale.band,
            self.upper_cut(scale) + scale.band,
        )
    }

    /// The cut below it; −∞ below the first.
    fn lower_cut(self, scale: &Scale) -> f64 {
        match self.0 {
            1 => f64::NEG_INFINITY,
            number => scale.cuts[usize::from(number) - 2],
        }
    }

    /// The cut above it; +∞ above the last.
    fn upper_cut(self, scale: &Scale) -> f64 {
        match self.0 {
            6 => f64::INFINITY,
            number => scale.cuts[usize::from(number) - 1],
        }
    }

    /// The M that it stands for: from its lower cut, or 0, to its upper cut, or 1.
    pub(crate) fn range(self, scale: &Scale) -> (f64, f64) {
        (
            self.lower_cut(scale).max(0.0),
            self.upper_cut(scale).min(1.0),
        )
    }

    /// Posterior mass within one degree of it, for a Gaussian of mean `z` and deviation `sd` in
    /// logits.
    fn confidence(self, scale: &Scale, z: f64, sd: f64) -> f64 {
        let above = match self.0 {
            5 | 6 => 1.0,
            number => normal_cdf((logit(scale.cuts[usize::from(number)]) - z) / sd),
        };
        let below = match self.0 {
            1 | 2 => 0.0,
            number => normal_cdf((logit(scale.cuts[usize::from(number) - 3]) - z) / sd),
        };
        above - below
    }
}

impl TryFrom<u8> for Degree {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::new(number).ok_or_else(|| format!("no degree {number}: there are 1 to 6"))
    }
}

impl From<Degree> for u8 {
    fn from(degree: Degree) -> Self {
        degree.0
    }
}

/// The mastery of a competency or a domain at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mastery {
    /// Mean on the logit scale.
    pub mean: f64,
    /// Variance on the logit scale.
    pub variance: f64,
    /// M: expected success on the reference item, in `]0, 1[`.
    pub m: f64,
    /// The degree, from the last one and M: shown to a person only when `shown`.
    pub degree: Degree,
    /// Posterior mass within one degree of `degree`.
    pub confidence: f64,
    /// Answers that touched it.
    pub answers: u64,
    /// Whether there is enough evidence to show the degree; if not: "pas encore assez de réponses".
    pub shown: bool,
    /// Time of the last practice, in seconds.
    pub last: Option<f64>,
}

impl PupilState {
    /// The mastery of a competency at a time.
    #[must_use]
    pub fn competency(&self, model: &Model, competency: &Competency, t: Option<f64>) -> Mastery {
        let scale = model.scale();
        let (mean, variance) = self.level(model, competency, t);
        let reference = competency.reference();
        let m = reference.m(mean, variance);
        let node = self.c.get(&competency.key());
        let degree = Degree::from_last(scale, node.and_then(|node| node.degree), m);
        let confidence = reference.confidence(scale, degree, mean, variance);
        let answers = node.map_or(0, |node| node.n);
        Mastery {
            mean,
            variance,
            m,
            degree,
            confidence,
            answers: u64::from(answers),
            shown: answers >= scale.competency_answers && confidence >= scale.confidence,
            last: node.and_then(|node| node.at.get()),
        }
    }

    /// The mastery of a domain at a time: the mean of its competencies', those never practised
    /// included, all with the same weight.
    #[must_use]
    pub fn domain(
        &self,
        model: &Model,
        subject: &Subject,
        domain: &Domain,
        t: Option<f64>,
    ) -> Mastery {
        let scale = model.scale();
        let sum = self.sum_domain(subject, domain, Moment::new(t));
        let node = self.d.get(&domain.key());
        let degree = Degree::from_last(scale, node.and_then(|node| node.degree), sum.m);
        let confidence = domain
            .reference()
            .confidence(scale, degree, sum.mean, sum.variance);
        let answers = node.map_or(0, |node| node.n);
        let members = || {
            subject
                .competencies_of(domain)
                .filter_map(|c| self.c.get(&c.key()))
        };
        let met = members().filter(|node| node.n > 0).count();
        Mastery {
            mean: sum.mean,
            variance: sum.variance,
            m: sum.m,
            degree,
            confidence,
            answers: u64::from(answers),
            shown: answers >= scale.domain_answers
                && met >= usize::try_from(scale.domain_competencies).unwrap_or(usize::MAX)
                && confidence >= scale.confidence,
            last: members().filter_map(|node| node.at.get()).reduce(f64::max),
        }
    }

    /// The degree of a competency after the last answer that practised it: what the band keeps.
    #[must_use]
    pub fn last_degree(&self, competency: u64) -> Option<Degree> {
        self.c.get(&competency).and_then(|node| node.degree)
    }

    /// M of a competency at a time.
    #[must_use]
    pub fn m(&self, model: &Model, competency: &Competency, t: Option<f64>) -> f64 {
        let (mean, variance) = self.level(model, competency, t);
        competency.reference().m(mean, variance)
    }

    /// M of a competency had its last practice been at most one hour before `t`: what a review
    /// would bring back.
    #[must_use]
    pub fn m_just_practised(&self, model: &Model, competency: &Competency, t: Option<f64>) -> f64 {
        let soon = match (t, self.last_practice(competency.key())) {
            (Some(t), Some(last)) => Some(t.min(last + JUST_PRACTISED_S)),
            _ => t,
        };
        self.m(model, competency, soon)
    }

    /// The degrees of the answer's competencies and of their domains, from the state after it.
    pub(crate) fn update_degrees(&mut self, model: &Model, item: &Item, now: Moment) {
        let scale = model.scale();
        let subject = &model.subjects()[item.subject()];
        for (position, loading) in item.loadings().iter().enumerate() {
            let reference = subject.competencies()[loading.competency].reference();
            let faded = self.competency_at(subject, loading.key, now);
            let (mean, variance) = self.level_of(subject.hyper(), loading.domain_key, faded);
            let practised = Practised {
                competency: loading.key,
                m: reference.quick_m(mean, variance),
            };
            if !self.surely_keeps(scale, practised)
                && let Some(node) = self.c.get_mut(&loading.key)
            {
                let m = reference.m(mean, variance);
                node.degree = Some(Degree::from_last(scale, node.degree, m));
            }
            if !first_of_its_domain(item.loadings(), position) {
                continue;
            }
            let domain = &subject.domains()[loading.domain];
            let same = |other: &&Loading| other.domain == loading.domain;
            let alone = item.loadings().iter().filter(same).count() == 1;
            let practised = alone.then_some(practised);
            if !self.domain_surely_keeps(scale, subject, domain, practised, now) {
                let m = self.sum_domain(subject, domain, now).m;
                if let Some(node) = self.d.get_mut(&domain.key()) {
                    node.degree = Some(Degree::from_last(scale, node.degree, m));
                }
            }
        }
    }

    /// Sums over a domain's competencies, in the framework's order.
    fn sum_domain(&self, subject: &Subject, domain: &Domain, now: Moment) -> DomainSum {
        let hyper = subject.hyper();
        let weight = domain.weight();
        let shared = self.domain_node(hyper, domain.key());
        let (mut mean, mut m, mut variance) = (0.0, 0.0, 0.0);
        // Competencies never practised differ by their reference alone: their M is kept, because a
        // framework may have a hundred of them in one domain.
        let mut untouched: Option<(Reference, f64)> = None;
        for competency in subject.competencies_of(domain) {
            let reference = competency.reference();
            let node = self.c.get(&competency.key());
            let faded = node.map_or(Faded::prior(hyper), |node| node.at(subject, now));
            let level = self.g.m + shared.m + faded.m + faded.practice;
            let competency_m = match untouched {
                Some((same, m)) if node.is_none() && same == reference => m,
                _ => reference.m(level, self.g.v + shared.v + faded.v),
            };
            if node.is_none() {
                untouched = Some((reference, competency_m));
            }
            mean += weight * level;
            m += weight * competency_m;
            variance += weight * weight * faded.v;
        }
        DomainSum {
            mean,
            variance: self.g.v + shared.v + variance,
            m,
        }
    }
}

/// Figures of a domain at a time.
#[derive(Debug, Clone, Copy)]
struct DomainSum {
    mean: f64,
    variance: f64,
    m: f64,
}

impl Reference {
    /// Expected success on the reference item.
    fn m(&self, mean: f64, variance: f64) -> f64 {
        expected_sigmoid(self.a * mean - self.b, self.a * self.a * variance)
    }

    fn confidence(&self, scale: &Scale, degree: Degree, mean: f64, variance: f64) -> f64 {
        degree.confidence(scale, self.a * mean - self.b, self.a * variance.sqrt())
    }
}
