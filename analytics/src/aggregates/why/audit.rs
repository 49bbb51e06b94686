//! The explanation in full, for whoever checks that the figures are what they are said to be.

use std::collections::BTreeMap;

use mastery::trace::Move;
use mastery::{Competency, Degree, Hyper, Model, PupilState, Reference, Scale};
use serde::Serialize;
use uuid::Uuid;

use super::told::StartedFrom;
use super::watch::Seen;

/// The equations by which the figures can be computed again, in the signs of `docs/model.md`.
const EQUATIONS: [&str; 12] = [
    "start: g, d, c, s, e, h = 0 with variances vg, vd, vk, vs, vi, vr; by a voie g = shift·√vg, v(g) = kept·vg; by a declared profile one observation of g + d a domain",
    "θ = g + f·Σ(d + c + L), vθ = v(g) + f²·Σ(v(d) + v(c)), over the item's K competencies, f = 1/K",
    "x = k·(a·θ + s + e − b) + r, V = k²·(a²·vθ + v(s) + v(e)) + v(r); k = kw, kr for the same item again at once after a wrong, a right answer, else 1",
    "expected = σ(x / √(1 + π/8·V)); p = σ(x), w = p·(1−p), S = 1 + w·(V + k²·s2), ε = (y−p)/S, W = w/S",
    "every node, with its loading ℓ (g: k·a; d, c: k·a·f; s, e: k; h: 1 where it enters): m ← m + v·ℓ·ε, v ← v − v²·ℓ²·W",
    "after each answer: v(g) + qg, v(d) + qd for each of its competencies in the domain, v(c) + qk, n + 1; e + gi0 + y·(gi1 − gi0), v(e) + qi; s ← φ·s, v(s) ← φ²·v(s) + (1 − φ²)·vs",
    "before it: s = 0, v(s) = vs where more than gap hours passed since the answer before; e ← e·(1 + t/τ)^(−ri) for the time since the item",
    "r by the answer before (same item rr after a right one, rw after a wrong one; same main competency sr, sw; else 0, ow) + er·ln(1 + right) + ew·ln(1 + wrong answers to the item before), + h, the pupil's way with retries, for the same item again at once; v(r) = v(h) there, else 0",
    "an evaluation: x = a·θ − b with the competency's reference as its item, no s, e, r, h; then as after an answer, without e and s",
    "time since practice of c: q = ln(1 + t/τ), c ← c·exp(−rk·q), L = λ·ln(1+n) + κ − ρ·q (L = 0 while n = 0)",
    "mean = g + d + c·exp(−rk·q) + L, variance = v(g) + v(d) + v(c)",
    "M = σ((a_ref·mean − b_ref) / √(1 + π/8·a_ref²·variance)); degree = the cuts that M passes, the last degree kept within the band",
];

/// Everything that the figures follow from.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Audit {
    /// The equations.
    pub equations: Vec<&'static str>,
    /// Version of the program that folds.
    pub code_version: u32,
    /// Position of the feed of answers up to which is folded.
    pub position: i64,
    /// The constants of the model.
    #[schema(value_type = Object)]
    pub hyper: Hyper,
    /// The cuts between degrees, the band, the rule of evidence.
    #[schema(value_type = Object)]
    pub scale: Scale,
    /// Discrimination of the reference item: `a_ref`.
    pub reference_a: f64,
    /// Difficulty of the reference item: `b_ref`.
    pub reference_b: f64,
    /// The degree after the last answer that practised the competency; null before any.
    pub last_degree: Option<u8>,
    /// What the *voie* makes of the start, where the fold started from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voie: Option<VoieOf>,
    /// The nodes before the first answer.
    pub start: Nodes,
    /// The nodes after the last answer, nothing faded since.
    pub end: Nodes,
    /// What each answer did, in the order in which they were folded.
    pub steps: Vec<AuditStep>,
}

/// What a *voie* makes of the start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct VoieOf {
    /// Its name: `gt` or `pro`.
    pub voie: &'static str,
    /// How much it weighs, 0 to 1.
    pub weight: f64,
    /// Mean of general ability, in spreads of all pupils (√vg).
    pub shift: f64,
    /// Share of its variance that is left.
    pub kept: f64,
}

/// A Gaussian node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Gaussian {
    /// Its mean, in logits.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
}

impl From<(f64, f64)> for Gaussian {
    fn from((mean, variance): (f64, f64)) -> Self {
        Self { mean, variance }
    }
}

/// The nodes that a competency's mean is the sum of.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Nodes {
    /// General ability.
    pub general: Gaussian,
    /// The domain's deviation.
    pub domain: Gaussian,
    /// The competency's deviation.
    pub competency: Gaussian,
    /// Answers that practised the competency.
    pub answers: u32,
}

/// A node before and after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct NodeMove {
    /// Just before, faded to the time of the answer.
    pub before: Gaussian,
    /// Just after.
    pub after: Gaussian,
}

impl From<Move> for NodeMove {
    fn from(node: Move) -> Self {
        Self {
            before: node.before.into(),
            after: node.after.into(),
        }
    }
}

/// What one answer or evaluation did.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AuditStep {
    /// Id of the answer's statement; null for an evaluation.
    pub statement: Option<Uuid>,
    /// Id of the evaluation; null for an answer.
    pub evaluation: Option<Uuid>,
    /// Parameters of the item: a, b, s2; for an evaluation those of the competency's reference.
    pub item: ItemOf,
    /// The outcome: y.
    pub y: f64,
    /// The share in which ability, form, memory and difficulty counted: k.
    pub factor: f64,
    /// Ability for the item: θ.
    pub theta: Gaussian,
    /// What the answer before and earlier answers to the item change: r.
    pub before: Gaussian,
    /// Logits of success: x, V.
    pub x: Gaussian,
    /// Success expected before.
    pub expected: f64,
    /// p.
    pub p: f64,
    /// ε.
    pub residual: f64,
    /// W.
    pub weight: f64,
    /// g.
    pub general: NodeMove,
    /// d of each domain, by URI.
    pub domains: BTreeMap<String, NodeMove>,
    /// c of each competency, by URI.
    pub competencies: BTreeMap<String, CompetencyStep>,
    /// s: the form of the session, which is no mastery.
    pub session: Option<NodeMove>,
    /// e: the memory of the item, which is no mastery.
    pub memory: Option<NodeMove>,
    /// h: the pupil's own way with retries, which is no mastery.
    pub habit: Option<NodeMove>,
}

/// Parameters of an item.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ItemOf {
    /// Discrimination.
    pub a: f64,
    /// Difficulty.
    pub b: f64,
    /// Variance of the difficulty.
    pub s2: f64,
}

/// What one answer did to a competency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CompetencyStep {
    /// Its deviation.
    pub node: NodeMove,
    /// What the time since the practice before left of the deviation: exp(−rk·q).
    pub kept: f64,
    /// n after the answer.
    pub answers: u32,
    /// What the answer added to λ·ln(1+n) + κ.
    pub practice: f64,
}

impl Audit {
    pub(super) fn new(
        (model, competency, position): (&Model, &Competency, i64),
        (start, end): (&PupilState, &PupilState),
        from: StartedFrom,
        seen: &[Seen],
    ) -> Self {
        let Reference { a, b } = competency.reference();
        Self {
            equations: EQUATIONS.to_vec(),
            code_version: mastery::model::CODE_VERSION,
            position,
            hyper: *model.subject_of_competency(competency).hyper(),
            scale: *model.scale(),
            reference_a: a,
            reference_b: b,
            last_degree: end.last_degree(competency.key()).map(Degree::number),
            voie: match from {
                StartedFrom::Voie(voie, guess) => Some(VoieOf {
                    voie: voie.as_str(),
                    weight: model.voie_weight().into(),
                    shift: guess.shift,
                    kept: guess.kept,
                }),
                StartedFrom::Nothing | StartedFrom::Profile => None,
            },
            start: nodes(model, competency, start),
            end: nodes(model, competency, end),
            steps: seen.iter().map(|seen| step(model, seen)).collect(),
        }
    }
}

fn nodes(model: &Model, competency: &Competency, state: &PupilState) -> Nodes {
    let subject = model.subject_of_competency(competency);
    let node = state.competency_node(competency.key());
    Nodes {
        general: state.nodes().general.into(),
        domain: state
            .domain_node_of(subject, competency.domain_key())
            .into(),
        competency: node
            .map_or((0.0, subject.hyper().vk), |n| (n.mean, n.variance))
            .into(),
        answers: node.map_or(0, |node| node.answers),
    }
}

fn step(model: &Model, seen: &Seen) -> AuditStep {
    let trace = &seen.trace;
    let figures = &trace.step;
    let uri = |key: u64| model.uri_of(key).unwrap_or_default().to_owned();
    let domains = trace.domains.iter();
    let competencies = trace.competencies.iter().map(|one| {
        let step = CompetencyStep {
            node: one.node.into(),
            kept: one.kept,
            answers: one.answers,
            practice: one.practice,
        };
        (uri(one.competency), step)
    });
    AuditStep {
        statement: seen.statement(),
        evaluation: seen.evaluation(),
        item: ItemOf {
            a: trace.item.a,
            b: trace.item.b,
            s2: trace.item.s2,
        },
        y: figures.y,
        factor: figures.factor,
        theta: figures.theta.into(),
        before: figures.before.into(),
        x: figures.x.into(),
        expected: figures.expected(),
        p: figures.p,
        residual: figures.residual,
        weight: figures.weight,
        general: trace.general.into(),
        domains: domains
            .map(|one| (uri(one.domain), one.node.into()))
            .collect(),
        competencies: competencies.collect(),
        session: trace.passing.map(|passing| passing.session.into()),
        memory: trace.passing.map(|passing| passing.memory.into()),
        habit: trace.passing.map(|passing| passing.habit.into()),
    }
}
