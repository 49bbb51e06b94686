//! Framework, catalogue and constants, made ready for the fold.

use std::collections::{BTreeMap, HashMap};

use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use schemas::ids::key64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hyper::{Hyper, Scale};
use crate::maths::ln_1p;
use crate::prior::ItemPriors;
use crate::shown::Degree;
use crate::state::KeyMap;
use crate::voie::VoieWeight;

/// Version of the code that folds: raised by hand whenever a change here changes a state, so that
/// states made by another version are made again.
pub const CODE_VERSION: u32 = 2;

/// Variance of the difficulty of what an evaluation asked, around the competency's reference: that of
/// an item whose degree somebody judged by eye (`schemas::catalogue`). An assumption, not measured.
const EVALUATION_VARIANCE: f64 = 0.5;

/// Practice counts whose level is computed once.
const PRACTICE_TABLE: u32 = 512;

/// What was fitted: constants by subject, and parameters of items over the catalogue's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// Constants by the subject's name; the defaults where there are none.
    pub hyper: BTreeMap<String, Hyper>,
    /// Parameters of items that somebody answered, by `key64` of the activity: these are the calibrated ones.
    /// The others start from the priors.
    pub items: HashMap<u64, ItemParams>,
    /// What is expected of other items, by the subject's name; what the catalogue says where there is nothing.
    pub priors: BTreeMap<String, ItemPriors>,
}

/// Parameters of an item, on the logit scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ItemParams {
    /// Discrimination.
    pub a: f64,
    /// Difficulty.
    pub b: f64,
    /// Variance of the difficulty: how little is known of it.
    pub s2: f64,
}

impl From<(f64, f64, f64)> for ItemParams {
    /// Discrimination, difficulty, its variance.
    fn from((a, b, s2): (f64, f64, f64)) -> Self {
        Self { a, b, s2 }
    }
}

/// One competency of an item, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loading {
    /// Index in [`Subject::competencies`].
    pub competency: usize,
    /// Index in [`Subject::domains`].
    pub domain: usize,
    /// Key of the competency.
    pub key: u64,
    /// Key of its domain.
    pub domain_key: u64,
}

/// An item of the catalogue that the model can fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    key: u64,
    subject: usize,
    params: ItemParams,
    loadings: Box<[Loading]>,
    share: f64,
}

impl Item {
    /// `key64` of its activity's IRI.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Index of its subject in [`Model::subjects`].
    #[must_use]
    pub fn subject(&self) -> usize {
        self.subject
    }

    /// Its parameters.
    #[must_use]
    pub fn params(&self) -> ItemParams {
        self.params
    }

    /// Its competencies, in the catalogue's order; at least one, none twice.
    #[must_use]
    pub fn loadings(&self) -> &[Loading] {
        &self.loadings
    }

    /// Index of its main competency, the first, in [`Subject::competencies`].
    #[must_use]
    pub fn main(&self) -> usize {
        self.loadings[0].competency
    }

    /// One over the number of competencies: the share of each in the ability for the item.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }
}

/// The item that M speaks of: how likely is success on an ordinary item of this competency?
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Median discrimination of the competency's calibrated items; what a fit expects of one where there is none.
    pub a: f64,
    /// The same of their difficulty.
    pub b: f64,
}

/// A competency of the framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Competency {
    key: u64,
    uri: String,
    label: String,
    subject: usize,
    domain: usize,
    domain_key: u64,
    prerequisites: Vec<usize>,
    reference: Reference,
}

impl Competency {
    /// `key64` of its URI.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Its URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Its French label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Index of its domain in [`Subject::domains`].
    #[must_use]
    pub fn domain(&self) -> usize {
        self.domain
    }

    /// Key of its domain.
    #[must_use]
    pub fn domain_key(&self) -> u64 {
        self.domain_key
    }

    /// Indices of its prerequisites of the same subject in [`Subject::competencies`].
    #[must_use]
    pub fn prerequisites(&self) -> &[usize] {
        &self.prerequisites
    }

    /// The item that its M speaks of.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.reference
    }
}

/// A domain of the framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    key: u64,
    uri: String,
    label: String,
    competencies: Vec<usize>,
    reference: Reference,
}

impl Domain {
    /// `key64` of its URI.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Its URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Its French label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Indices of its competencies in [`Subject::competencies`], in the framework's order.
    #[must_use]
    pub fn competencies(&self) -> &[usize] {
        &self.competencies
    }

    /// Mean of its competencies' references: the scale on which its evidence is weighed.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// Weight of each of its competencies.
    #[expect(clippy::cast_precision_loss, reason = "a domain has few competencies")]
    pub(crate) fn weight(&self) -> f64 {
        1.0 / self.competencies.len() as f64
    }
}

/// A subject: what one [`crate::PupilState`] is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    name: String,
    domains: Vec<Domain>,
    competencies: Vec<Competency>,
    hyper: Hyper,
    practice: Vec<f64>,
}

impl Subject {
    /// Its name in the framework (`maths`, `francais`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its domains, in the framework's order.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// Its competencies, domain after domain, in the framework's order.
    #[must_use]
    pub fn competencies(&self) -> &[Competency] {
        &self.competencies
    }

    /// The constants of the model for this subject.
    #[must_use]
    pub fn hyper(&self) -> &Hyper {
        &self.hyper
    }

    /// What `n ≥ 1` answers on a competency bring, before forgetting: `λ·ln(1+n) + κ`.
    pub(crate) fn practice(&self, n: u32) -> f64 {
        let known = usize::try_from(n).ok().and_then(|n| self.practice.get(n));
        known.copied().unwrap_or_else(|| practice(&self.hyper, n))
    }

    /// The competencies of one of its domains.
    pub fn competencies_of(&self, domain: &Domain) -> impl Iterator<Item = &Competency> {
        domain
            .competencies
            .iter()
            .map(|&index| &self.competencies[index])
    }
}

/// Framework, catalogue and constants, made ready for the fold.
///
/// It can be written down, for another process of the same code: nothing of it is checked when it is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    scale: Scale,
    subjects: Vec<Subject>,
    items: KeyMap<Item>,
    voie: VoieWeight,
    degree_labels: [String; 6],
    fingerprint: String,
}

impl Model {
    /// The model of a framework and a catalogue with the default constants.
    #[must_use]
    pub fn new(framework: &Framework, items: &[CatalogueItem]) -> Self {
        Self::with(framework, items, Hyper::default())
    }

    /// The same with these constants for every subject.
    #[must_use]
    pub fn with(framework: &Framework, items: &[CatalogueItem], hyper: Hyper) -> Self {
        let names = framework.domains.iter().map(|domain| &domain.subject);
        let calibration = Calibration {
            hyper: names.map(|name| (name.clone(), hyper)).collect(),
            ..Calibration::default()
        };
        Self::calibrated(framework, items, &calibration)
    }

    /// The model of a framework, a catalogue and what was fitted. The order of the catalogue changes
    /// nothing; of two items with one id the first counts.
    #[must_use]
    pub fn calibrated(
        framework: &Framework,
        items: &[CatalogueItem],
        calibration: &Calibration,
    ) -> Self {
        let scale = framework.levels.scale;
        let mut subjects = subjects(framework, calibration);
        let by_uri = by_uri(&subjects);
        let (mut resolved, mut fitted) = (KeyMap::default(), Vec::new());
        for item in items {
            let Some(mut new) = resolve(item, &subjects, &by_uri) else {
                continue;
            };
            if resolved.contains_key(&new.key) {
                continue;
            }
            let params = calibration.items.get(&new.key);
            // Somebody fitted it: a degree judged by eye is no calibration.
            if item.item.is_some() || params.is_some() {
                fitted.push(new.key);
            }
            if let Some(params) = params {
                new.params = *params;
            } else if let Some(priors) = calibration.priors.get(&subjects[new.subject].name) {
                let set: Vec<u64> = new.loadings.iter().map(|loading| loading.key).collect();
                new.params = priors.params(item, &set);
            }
            resolved.insert(new.key, new);
        }
        set_references(&mut subjects, &resolved, &fitted, &calibration.priors);
        let fingerprint = fingerprint(&scale, &subjects, &resolved);
        Self {
            scale,
            subjects,
            items: resolved,
            voie: VoieWeight::default(),
            degree_labels: std::array::from_fn(|index| degree_label(framework, index)),
            fingerprint,
        }
    }

    /// The same with a weight of the *voie* in place of none.
    #[must_use]
    pub fn weighing_voie(mut self, weight: VoieWeight) -> Self {
        self.voie = weight;
        if weight != VoieWeight::default() {
            let mut hash = Sha256::new();
            hash.update(&self.fingerprint);
            hash.update(f64::from(weight).to_bits().to_le_bytes());
            self.fingerprint = hex::encode(hash.finalize());
        }
        self
    }

    /// How much the *voie* weighs in where a pupil starts.
    #[must_use]
    pub fn voie_weight(&self) -> VoieWeight {
        self.voie
    }

    /// The thresholds of the framework.
    #[must_use]
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// The subjects, in the framework's order.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The subject of this name.
    #[must_use]
    pub fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.name == name)
    }

    /// The subject of an item.
    #[must_use]
    pub fn subject_of(&self, item: &Item) -> &Subject {
        &self.subjects[item.subject]
    }

    /// The subject of a competency.
    #[must_use]
    pub fn subject_of_competency(&self, competency: &Competency) -> &Subject {
        &self.subjects[competency.subject]
    }

    /// The competency of this URI, with the index of its subject.
    #[must_use]
    pub fn place_of(&self, uri: &str) -> Option<(usize, &Competency)> {
        self.subjects
            .iter()
            .enumerate()
            .find_map(|(index, subject)| {
                let mut competencies = subject.competencies.iter();
                let found = competencies.find(|competency| competency.uri == uri)?;
                Some((index, found))
            })
    }

    /// What an evaluation of a competency is a pseudo-answer to, by the competency's key: an item of
    /// its reference difficulty, which is no item of the catalogue.
    #[must_use]
    pub fn reference_item(&self, competency: u64) -> Option<Item> {
        let mut subjects = self.subjects.iter().enumerate();
        subjects.find_map(|(subject, known)| {
            let mut all = known.competencies.iter();
            let index = all.position(|one| one.key == competency)?;
            let found = &known.competencies[index];
            let loading = Loading {
                competency: index,
                domain: found.domain,
                key: found.key,
                domain_key: found.domain_key,
            };
            Some(Item {
                key: found.key,
                subject,
                params: ItemParams {
                    a: found.reference.a,
                    b: found.reference.b,
                    s2: EVALUATION_VARIANCE,
                },
                loadings: Box::new([loading]),
                share: 1.0,
            })
        })
    }

    /// The URI of a competency or a domain, by its key.
    #[must_use]
    pub fn uri_of(&self, key: u64) -> Option<&str> {
        let domains = self.subjects.iter().flat_map(|subject| &subject.domains);
        let competencies = self
            .subjects
            .iter()
            .flat_map(|subject| &subject.competencies);
        let domains = domains.map(|domain| (domain.key, domain.uri.as_str()));
        let competencies = competencies.map(|one| (one.key, one.uri.as_str()));
        let mut all = domains.chain(competencies);
        all.find(|(known, _)| *known == key).map(|(_, uri)| uri)
    }

    /// The item of this key, if the catalogue has it and the framework knows its competencies.
    #[must_use]
    pub fn item(&self, key: u64) -> Option<&Item> {
        self.items.get(&key)
    }

    /// Every item, in no particular order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }

    /// The French label of a degree ("maîtrise fragile").
    #[must_use]
    pub fn degree_label(&self, degree: Degree) -> &str {
        &self.degree_labels[usize::from(degree.number()) - 1]
    }

    /// SHA-256, in hexadecimal, of everything that changes a state, a degree or whether it is shown: the
    /// code's version, the constants, the framework's structure and thresholds, the items and their parameters.
    /// Labels and prerequisites are not in it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn practice(hyper: &Hyper, n: u32) -> f64 {
    hyper.lam * ln_1p(f64::from(n)) + hyper.kap
}

/// Domains and competencies by subject, references not set yet.
fn subjects(framework: &Framework, calibration: &Calibration) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for domain in &framework.domains {
        let position = subjects
            .iter()
            .position(|subject| subject.name == domain.subject);
        let index = position.unwrap_or_else(|| {
            let hyper = calibration.hyper.get(&domain.subject);
            let hyper = hyper.copied().unwrap_or_default();
            subjects.push(Subject {
                name: domain.subject.clone(),
                domains: Vec::new(),
                competencies: Vec::new(),
                hyper,
                practice: (0..PRACTICE_TABLE).map(|n| practice(&hyper, n)).collect(),
            });
            subjects.len() - 1
        });
        let subject = &mut subjects[index];
        let first = subject.competencies.len();
        let domain_key = key64(&domain.uri);
        for competency in &domain.competencies {
            subject.competencies.push(Competency {
                key: key64(&competency.uri),
                uri: competency.uri.clone(),
                label: competency.label_fr.clone(),
                subject: index,
                domain: subject.domains.len(),
                domain_key,
                prerequisites: Vec::new(),
                reference: Reference::DEFAULT,
            });
        }
        subject.domains.push(Domain {
            key: domain_key,
            uri: domain.uri.clone(),
            label: domain.label_fr.clone(),
            competencies: (first..subject.competencies.len()).collect(),
            reference: Reference::DEFAULT,
        });
    }
    set_prerequisites(&mut subjects, framework);
    subjects
}

/// Resolves prerequisites inside each subject: a state knows one subject.
fn set_prerequisites(subjects: &mut [Subject], framework: &Framework) {
    for subject in subjects {
        let index: HashMap<String, usize> = subject
            .competencies
            .iter()
            .enumerate()
            .map(|(i, c)| (c.uri.clone(), i))
            .collect();
        let declared = framework
            .domains
            .iter()
            .filter(|domain| domain.subject == subject.name)
            .flat_map(|domain| &domain.competencies);
        for (competency, declared) in subject.competencies.iter_mut().zip(declared) {
            competency.prerequisites = declared
                .prerequisites
                .iter()
                .filter_map(|uri| index.get(uri).copied())
                .collect();
        }
    }
}

/// Where each competency stands: `(subject, competency)`.
fn by_uri(subjects: &[Subject]) -> HashMap<String, (usize, usize)> {
    let mut places = HashMap::new();
    for (s, subject) in subjects.iter().enumerate() {
        for (c, competency) in subject.competencies.iter().enumerate() {
            places.entry(competency.uri.clone()).or_insert((s, c));
        }
    }
    places
}

/// The item with its competencies resolved: those of the first known one's subject, each once.
fn resolve(
    item: &CatalogueItem,
    subjects: &[Subject],
    by_uri: &HashMap<String, (usize, usize)>,
) -> Option<Item> {
    let mut known = item
        .competencies
        .iter()
        .filter_map(|uri| by_uri.get(uri).copied());
    let main = known.next()?;
    let mut indices = vec![main.1];
    for (subject, competency) in known {
        if subject == main.0 && !indices.contains(&competency) {
            indices.push(competency);
        }
    }
    let loadings: Box<[Loading]> = indices
        .into_iter()
        .map(|index| {
            let competency = &subjects[main.0].competencies[index];
            Loading {
                competency: index,
                domain: competency.domain,
                key: competency.key,
                domain_key: competency.domain_key,
            }
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "an item has few competencies")]
    let share = 1.0 / loadings.len() as f64;
    Some(Item {
        key: item.id.key64(),
        subject: main.0,
        params: item.params().into(),
        loadings,
        share,
    })
}

/// Medians over each competency's calibrated items, what is expected of an item of it where none is, and their means
/// over each domain.
fn set_references(
    subjects: &mut [Subject],
    items: &KeyMap<Item>,
    calibrated: &[u64],
    priors: &BTreeMap<String, ItemPriors>,
) {
    for subject in &mut *subjects {
        let Some(priors) = priors.get(&subject.name) else {
            continue;
        };
        for competency in &mut subject.competencies {
            let ItemParams { a, b, .. } = priors.of_set(&[competency.key]);
            competency.reference = Reference { a, b };
        }
    }
    let mut params: HashMap<(usize, usize), (Vec<f64>, Vec<f64>)> = HashMap::new();
    for item in calibrated.iter().filter_map(|key| items.get(key)) {
        for loading in &item.loadings {
            let (a, b) = params
                .entry((item.subject, loading.competency))
                .or_default();
            a.push(item.params.a);
            b.push(item.params.b);
        }
    }
    for ((subject, competency), (a, b)) in params {
        subjects[subject].competencies[competency].reference = Reference {
            a: median(a),
            b: median(b),
        };
    }
    for Subject {
        domains,
        competencies,
        ..
    } in subjects
    {
        for domain in domains {
            let weight = domain.weight();
            domain.reference =
                domain
                    .competencies
                    .iter()
                    .fold(Reference { a: 0.0, b: 0.0 }, |sum, &index| Reference {
                        a: sum.a + weight * competencies[index].reference.a,
                        b: sum.b + weight * competencies[index].reference.b,
                    });
        }
    }
}

/// The middle of a list that is not empty; the mean of the two middle ones of an even count.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        f64::midpoint(values[half - 1], values[half])
    }
}

fn degree_label(framework: &Framework, index: usize) -> String {
    let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
    let level = framework.level(number);
    level.map_or_else(|| format!("degré {number}"), |level| level.label_fr.clone())
}

fn fingerprint(scale: &Scale, subjects: &[Subject], items: &KeyMap<Item>) -> String {
    let mut hash = Sha256::new();
    hash.update(b"sillage mastery");
    hash.update(CODE_VERSION.to_le_bytes());
    for value in scale.cuts {
        hash.update(value.to_bits().to_le_bytes());
    }
    for value in [scale.band, scale.confidence] {
        hash.update(value.to_bits().to_le_bytes());
    }
    // The rule of evidence changes no state; but what is shown is to change with a version, never by itself.
    for count in [
        scale.competency_answers,
        scale.domain_answers,
        scale.domain_competencies,
    ] {
        hash.update(count.to_le_bytes());
    }
    for subject in subjects {
        hash.update(key64(&subject.name).to_le_bytes());
        for value in subject.hyper.values() {
            hash.update(value.to_bits().to_le_bytes());
        }
        for domain in &subject.domains {
            hash.update(domain.key.to_le_bytes());
            hash.update(length(domain.competencies.len()));
            for &index in &domain.competencies {
                hash.update(subject.competencies[index].key.to_le_bytes());
            }
        }
    }
    let mut sorted: Vec<&Item> = items.values().collect();
    sorted.sort_unstable_by_key(|item| item.key);
    for item in sorted {
        hash.update(item.key.to_le_bytes());
        for value in [item.params.a, item.params.b, item.params.s2] {
            hash.update(value.to_bits().to_le_bytes());
        }
        hash.update(length(item.loadings.len()));
        for loading in &item.loadings {
            hash.update(loading.key.to_le_bytes());
        }
    }
    // References follow from calibrated items and priors, which the parameters alone do not show.
    for competency in subjects.iter().flat_map(|subject| &subject.competencies) {
        hash.update(competency.reference.a.to_bits().to_le_bytes());
        hash.update(competency.reference.b.to_bits().to_le_bytes());
    }
    hex::encode(hash.finalize())
}

/// A length as bytes that do not depend on the machine.
fn length(len: usize) -> [u8; 8] {
    u64::try_from(len).unwrap_or(u64::MAX).to_le_bytes()
}

impl Reference {
    /// Where nothing of the subject was fitted.
    const DEFAULT: Self = Self { a: 1.0, b: 0.0 };
}
