//! What is known of one pupil in one subject, and the fold of one answer.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::before::{Before, beside};
use crate::declared;
use crate::hyper::Hyper;
use crate::maths::{exp, expected_sigmoid, ln_1p, ln_1p_of, pow, quick_exp, quick_ln_1p, sigmoid};
use crate::model::{Competency, Item, ItemParams, Loading, Model, Subject};
use crate::quick::Note;
use crate::shown::Degree;

/// How much of an exercise's weight in `recent` stays after each further exercise of the session.
///
/// Chosen with the first policy, on simulated worlds.
pub const RECENT_FADING: f64 = 0.8;

/// A Gaussian node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gauss {
    pub(crate) m: f64,
    pub(crate) v: f64,
}

impl Gauss {
    pub(crate) const fn prior(v: f64) -> Self {
        Self { m: 0.0, v }
    }

    /// One step of the filter, for a node that enters the sum with loading `h`.
    fn step(self, h: f64, gain: Gain) -> Self {
        Self {
            m: self.m + self.v * h * gain.e,
            v: self.v - self.v * self.v * h * h * gain.w,
        }
    }
}

/// What one answer gives to every node: the same residual and weight, each by its own loading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gain {
    pub(crate) e: f64,
    pub(crate) w: f64,
}

impl Gain {
    /// What an outcome `y` gives where logits of mean `x` and variance `v` were expected of an item
    /// whose difficulty has the variance `s2`; and the success that `x` alone means.
    pub(crate) fn of(x: f64, v: f64, s2: f64, y: f64) -> (f64, Self) {
        let p = sigmoid(x);
        let w = p * (1.0 - p);
        let total = 1.0 + w * (v + s2);
        let gain = Self {
            e: (y - p) / total,
            w: w / total,
        };
        (p, gain)
    }

    /// The same for nodes whose loadings are so many times as large.
    fn times(self, factor: f64) -> Self {
        Self {
            e: factor * self.e,
            w: factor * factor * self.w,
        }
    }
}

/// The figures of one step of the filter, on the logit scale: what it expected, and what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The outcome, in `[0, 1]`.
    pub y: f64,
    /// The share in which ability, form, memory and difficulty counted ([`Before::factor`]).
    pub factor: f64,
    /// Ability for the item: mean and variance.
    pub theta: (f64, f64),
    /// What the answer before and earlier answers to the item change ([`crate::before`]), and the pupil's
    /// own way with retries: mean and variance.
    pub before: (f64, f64),
    /// Logits of success: mean and variance.
    pub x: (f64, f64),
    /// Success at the mean of the logits.
    pub p: f64,
    /// The residual ε that moves every mean: by variance · loading · ε.
    pub residual: f64,
    /// The weight W that narrows every variance: by variance² · loading² · W.
    pub weight: f64,
}

impl Step {
    /// Success expected before the answer, its uncertainty counted in. The fold does without.
    #[must_use]
    pub fn expected(&self) -> f64 {
        let (x, v) = self.x;
        expected_sigmoid(x, v)
    }
}

/// A time in seconds, or none: NaN, which is never later than anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(f64);

impl Moment {
    pub(crate) const NONE: Self = Self(f64::NAN);

    pub(crate) fn new(t: Option<f64>) -> Self {
        t.filter(|t| t.is_finite()).map_or(Self::NONE, Self)
    }

    pub(crate) fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }

    /// Seconds from `earlier` to here when both are known and time did not go back.
    pub(crate) fn seconds_from(self, earlier: Self) -> Option<f64> {
        (self.0 >= earlier.0).then_some(self.0 - earlier.0)
    }

    /// The same when time went by.
    fn since(self, earlier: Self) -> Option<f64> {
        self.seconds_from(earlier).filter(|seconds| *seconds > 0.0)
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// A domain of the subject, once an answer touched it or a profile was declared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DomainNode {
    pub(crate) node: Gauss,
    /// Answers that touched it.
    pub(crate) n: u32,
    pub(crate) degree: Option<Degree>,
    pub(crate) note: Note,
}

/// A competency, once practised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CompetencyNode {
    pub(crate) node: Gauss,
    /// Answers that practised it, and the time of the last.
    pub(crate) n: u32,
    pub(crate) at: Moment,
    pub(crate) degree: Option<Degree>,
    /// Exercises in session `session` whose main competency it was, faded up to the pupil's
    /// answer number `recent_at`.
    pub(crate) recent: f64,
    pub(crate) recent_at: u64,
    pub(crate) session: u32,
}

/// An item, once done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ItemNode {
    pub(crate) node: Gauss,
    pub(crate) at: Moment,
    pub(crate) n: u32,
    pub(crate) correct: u32,
    /// The session in which it was last done.
    pub(crate) session: u32,
}

/// A competency or an item at a time: mean and variance after fading, and the level that practice
/// brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faded {
    pub(crate) m: f64,
    pub(crate) v: f64,
    pub(crate) practice: f64,
}

impl Faded {
    /// A competency that was never practised.
    pub(crate) fn prior(hyper: &Hyper) -> Self {
        Self {
            m: 0.0,
            v: hyper.vk,
            practice: 0.0,
        }
    }
}

/// What a pupil did with one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemMemory {
    /// How often it was answered.
    pub answers: u32,
    /// How often rightly.
    pub correct: u32,
    /// When last, in seconds; `None` where the time was invented.
    pub last: Option<f64>,
}

/// A node of the state, as it stands: nothing faded to a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// Mean on the logit scale.
    pub mean: f64,
    /// Variance on the logit scale.
    pub variance: f64,
    /// Answers that touched it.
    pub answers: u32,
    /// When last, in seconds; `None` where the time was invented.
    pub last: Option<f64>,
}

/// The two nodes that every answer touches, each as (mean, variance).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shared {
    /// General ability.
    pub general: (f64, f64),
    /// Form of the session.
    pub session: (f64, f64),
}

/// Keys are the first bytes of a SHA-256: as good a hash as any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// A map by `schemas::ids::key64`.
pub(crate) type KeyMap<V> = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

/// What is known of one pupil in one subject.
///
/// Equal answers in equal order under an equal [`Model::fingerprint`] give equal states, and equal
/// states have equal bytes ([`PupilState::encode`]).
#[derive(Debug, Clone, PartialEq)]
pub struct PupilState {
    pub(crate) g: Gauss,
    pub(crate) s: Gauss,
    /// The pupil's own way with retries: what the same item again at once brings more, or less.
    pub(crate) h: Gauss,
    pub(crate) d: KeyMap<DomainNode>,
    pub(crate) c: KeyMap<CompetencyNode>,
    pub(crate) e: KeyMap<ItemNode>,
    pub(crate) last: Moment,
    /// The item of the last answer, and whether it was right.
    pub(crate) prev: Option<(u64, bool)>,
    pub(crate) answers: u64,
    pub(crate) correct: u64,
    /// Number of the session, from 0.
    pub(crate) session: u32,
    pub(crate) session_start: Moment,
}

impl PupilState {
    /// A pupil who has not answered yet.
    #[must_use]
    pub fn new(subject: &Subject) -> Self {
        let hyper = subject.hyper();
        Self {
            g: Gauss::prior(hyper.vg),
            s: Gauss::prior(hyper.vs),
            h: Gauss::prior(hyper.vr),
            d: KeyMap::default(),
            c: KeyMap::default(),
            e: KeyMap::default(),
            last: Moment::NONE,
            prev: None,
            answers: 0,
            correct: 0,
            session: 0,
            session_start: Moment::NONE,
        }
    }

    /// One pseudo-answer for a domain whose degree the pupil declared, before the first answer:
    /// an observation of `general + domain` with a variance. Called in the fixed order of domains.
    pub fn declare(&mut self, subject: &Subject, domain: u64, observed: f64, variance: f64) {
        let node = self
            .d
            .entry(domain)
            .or_insert_with(|| DomainNode::new(subject.hyper()));
        let pair = |node: Gauss| (node.m, node.v);
        let nodes = (pair(self.g), pair(node.node));
        let (general, domain) = declared::observe(nodes, (observed, variance));
        self.g = Gauss {
            m: general.0,
            v: general.1,
        };
        node.node = Gauss {
            m: domain.0,
            v: domain.1,
        };
    }

    /// Folds one answer and gives the success that was expected before it.
    ///
    /// `y` is the outcome in `[0, 1]` (clamped), `correct` what the statement said of success, `t`
    /// the time in [`crate::seconds`], `None` where it was invented. Answers come in fold order.
    pub fn answer(
        &mut self,
        model: &Model,
        item: &Item,
        y: f64,
        correct: bool,
        t: Option<f64>,
    ) -> f64 {
        self.step(model, item, y, correct, t).expected()
    }

    /// The same, and gives every figure of the step.
    pub fn step(
        &mut self,
        model: &Model,
        item: &Item,
        y: f64,
        correct: bool,
        t: Option<f64>,
    ) -> Step {
        let hyper = model.subject_of(item).hyper();
        let now = Moment::new(t);
        let y = if y.is_nan() {
            f64::from(u8::from(correct))
        } else {
            y.clamp(0.0, 1.0)
        };
        if self.opens_session(hyper, now) {
            self.s = Gauss::prior(hyper.vs);
            self.session += 1;
            self.session_start = now;
        } else if self.answers == 0 {
            self.session_start = now;
        }
        let memory = self.item_at(hyper, item.key(), now);
        let (theta, v_theta) = self.touch(model, item, now);

        let ItemParams { a, b, s2 } = item.params();
        let before = self.before(model, item);
        let k = before.map_or(1.0, |before| before.factor(hyper));
        let beside = self.beside(hyper, item, before);
        let x = k * (a * theta + self.s.m + memory.m) + beside.m - k * b;
        let v = k * k * (a * a * v_theta + self.s.v + memory.v) + beside.v;
        let (p, gain) = Gain::of(x, v, k * k * s2, y);

        let lasting = gain.times(k);
        self.update_competencies(hyper, item, lasting, now, true);
        let memory = memory.step(1.0, lasting);
        self.update_item(hyper, item.key(), memory, y, correct, now);
        self.update_general(hyper, a, lasting);
        self.update_session(hyper, lasting);
        if before.is_some_and(|before| before.same_item) {
            self.h = self.h.step(1.0, gain);
        }
        self.answers += 1;
        self.correct += u64::from(correct);
        self.last = now;
        self.prev = Some((item.key(), correct));
        self.update_degrees(model, item, now);
        Step {
            y,
            factor: k,
            theta: (theta, v_theta),
            before: (beside.m, beside.v),
            x: (x, v),
            p,
            residual: gain.e,
            weight: gain.w,
        }
    }

    /// The success to expect on an item at a time, without the form of the session: what a policy
    /// counts with (step 7 of the model).
    #[must_use]
    pub fn predict(&self, model: &Model, item: &Item, t: Option<f64>) -> f64 {
        let subject = model.subject_of(item);
        let hyper = subject.hyper();
        let now = Moment::new(t);
        let memory = self.item_at(hyper, item.key(), now);
        let f = item.share();
        let (mut sum, mut v_sum) = (0.0, 0.0);
        for loading in item.loadings() {
            let domain = self.domain_node(hyper, loading.domain_key);
            let faded = self.competency_at(subject, loading.key, now);
            sum += f * (domain.m + faded.m + faded.practice);
            v_sum += f * f * (domain.v + faded.v);
        }
        let ItemParams { a, b, .. } = item.params();
        let before = self.before(model, item);
        let k = before.map_or(1.0, |before| before.factor(hyper));
        let theta = self.g.m + sum;
        let beside = self.beside(hyper, item, before);
        let x = k * (a * theta + memory.m) + beside.m - k * b;
        let v = k * k * (a * a * (self.g.v + v_sum) + memory.v) + beside.v;
        expected_sigmoid(x, v)
    }

    /// Mastery of a competency on the logit scale at a time: mean and variance.
    #[must_use]
    pub fn level(&self, model: &Model, competency: &Competency, t: Option<f64>) -> (f64, f64) {
        let subject = model.subject_of_competency(competency);
        let faded = self.competency_at(subject, competency.key(), Moment::new(t));
        self.level_of(subject.hyper(), competency.domain_key(), faded)
    }

    /// Answers folded.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// Right answers among them.
    #[must_use]
    pub fn correct(&self) -> u64 {
        self.correct
    }

    /// Time of the last answer, in seconds.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.last.get()
    }

    /// Time of the first answer of the last session, in seconds.
    #[must_use]
    pub fn session_start(&self) -> Option<f64> {
        self.session_start.get()
    }

    /// General ability and form of the session, as they stand.
    #[must_use]
    pub fn nodes(&self) -> Shared {
        Shared {
            general: (self.g.m, self.g.v),
            session: (self.s.m, self.s.v),
        }
    }

    /// Mean and variance of a domain's node, by the domain's key; its prior before any answer.
    #[must_use]
    pub fn domain_node_of(&self, subject: &Subject, domain: u64) -> (f64, f64) {
        let node = self.domain_node(subject.hyper(), domain);
        (node.m, node.v)
    }

    /// A competency's node, by its key; `None` when it was never practised.
    #[must_use]
    pub fn competency_node(&self, competency: u64) -> Option<Node> {
        self.c.get(&competency).map(|node| Node {
            mean: node.node.m,
            variance: node.node.v,
            answers: node.n,
            last: node.at.get(),
        })
    }

    /// An item's node, by its key; `None` when it was never done.
    #[must_use]
    pub fn item_node(&self, item: u64) -> Option<Node> {
        self.e.get(&item).map(|node| Node {
            mean: node.node.m,
            variance: node.node.v,
            answers: node.n,
            last: node.at.get(),
        })
    }

    /// What the pupil did with an item, by its key.
    #[must_use]
    pub fn item(&self, key: u64) -> Option<ItemMemory> {
        self.e.get(&key).map(|node| ItemMemory {
            answers: node.n,
            correct: node.correct,
            last: node.at.get(),
        })
    }

    /// Every item done, in no particular order: `(key, what was done with it)`.
    pub fn items(&self) -> impl Iterator<Item = (u64, ItemMemory)> + '_ {
        self.e.iter().map(|(&key, node)| {
            (
                key,
                ItemMemory {
                    answers: node.n,
                    correct: node.correct,
                    last: node.at.get(),
                },
            )
        })
    }

    /// Time of the last practice of a competency, in seconds.
    #[must_use]
    pub fn last_practice(&self, competency: u64) -> Option<f64> {
        self.c.get(&competency).and_then(|node| node.at.get())
    }

    /// Whether an exercise at `t` would still belong to the session of the last answer.
    #[must_use]
    pub fn in_session(&self, subject: &Subject, t: Option<f64>) -> bool {
        self.answers > 0 && !self.opens_session(subject.hyper(), Moment::new(t))
    }

    /// Whether an item was done in the session that `t` belongs to.
    #[must_use]
    pub fn done_in_session(&self, subject: &Subject, item: u64, t: Option<f64>) -> bool {
        self.in_session(subject, t)
            && self
                .e
                .get(&item)
                .is_some_and(|node| node.session == self.session)
    }

    /// Exercises of the session that `t` belongs to whose main competency is `competency`, each
    /// fading by [`RECENT_FADING`] per exercise since.
    #[must_use]
    pub fn recent(&self, subject: &Subject, competency: u64, t: Option<f64>) -> f64 {
        if !self.in_session(subject, t) {
            return 0.0;
        }
        self.c
            .get(&competency)
            .filter(|node| node.session == self.session)
            .map_or(0.0, |node| node.recent_after(self.answers))
    }

    /// Mean and variance of a domain's node; its prior when nothing touched it.
    pub(crate) fn domain_node(&self, hyper: &Hyper, domain: u64) -> Gauss {
        self.d
            .get(&domain)
            .map_or(Gauss::prior(hyper.vd), |node| node.node)
    }

    /// A competency at a time; its prior when it was never practised.
    pub(crate) fn competency_at(&self, subject: &Subject, competency: u64, now: Moment) -> Faded {
        let node = self.c.get(&competency);
        node.map_or(Faded::prior(subject.hyper()), |node| node.at(subject, now))
    }

    /// General ability + domain + competency.
    pub(crate) fn level_of(&self, hyper: &Hyper, domain: u64, faded: Faded) -> (f64, f64) {
        let domain = self.domain_node(hyper, domain);
        (
            self.g.m + domain.m + faded.m + faded.practice,
            self.g.v + domain.v + faded.v,
        )
    }

    pub(crate) fn opens_session(&self, hyper: &Hyper, now: Moment) -> bool {
        now.since(self.last)
            .is_some_and(|seconds| seconds > hyper.gap_s())
    }

    /// The memory of an item, faded to a time.
    pub(crate) fn item_at(&self, hyper: &Hyper, item: u64, now: Moment) -> Gauss {
        let Some(node) = self.e.get(&item) else {
            return Gauss::prior(hyper.vi);
        };
        let Some(seconds) = now.since(node.at) else {
            return node.node;
        };
        Gauss {
            m: node.node.m * pow(1.0 + seconds / hyper.tau, -hyper.ri),
            v: node.node.v,
        }
    }

    /// How `item`, answered now, would stand to the answer before.
    fn before(&self, model: &Model, item: &Item) -> Option<Before> {
        let main_of = |item: &Item| item.loadings()[0].key;
        let (prev, correct) = self.prev?;
        Some(Before {
            same_item: prev == item.key(),
            same_competency: model
                .item(prev)
                .is_some_and(|prev| main_of(prev) == main_of(item)),
            correct,
        })
    }

    /// What stands beside ability and memory, were `item` answered now: mean and variance. The pupil's way with retries
    /// is in it where `item` would be one.
    fn beside(&self, hyper: &Hyper, item: &Item, before: Option<Before>) -> Gauss {
        let habit = match before {
            Some(Before {
                same_item: true, ..
            }) => self.h,
            _ => Gauss::prior(0.0),
        };
        let (right, wrong) = self.e.get(&item.key()).map_or((0, 0), |node| {
            (node.correct, node.n.saturating_sub(node.correct))
        });
        let known = beside(hyper, before, ln_1p_of(right), ln_1p_of(wrong));
        Gauss {
            m: known + habit.m,
            v: habit.v,
        }
    }

    /// Fades the item's competencies to `now`, in place, and sums the ability for the item over
    /// them: mean and variance.
    pub(crate) fn touch(&mut self, model: &Model, item: &Item, now: Moment) -> (f64, f64) {
        let subject = model.subject_of(item);
        let f = item.share();
        let (mut sum, mut v_sum) = (0.0, 0.0);
        for loading in item.loadings() {
            let domain = self.domain_node(subject.hyper(), loading.domain_key);
            let node = self
                .c
                .entry(loading.key)
                .or_insert_with(|| CompetencyNode::new(subject.hyper()));
            let faded = node.at(subject, now);
            node.node.m = faded.m;
            sum += f * (domain.m + faded.m + faded.practice);
            v_sum += f * f * (domain.v + faded.v);
        }
        (self.g.m + sum, self.g.v + v_sum)
    }

    /// Moves the item's competencies and their domains; `exercise`: whether it counts among the
    /// exercises of the session.
    pub(crate) fn update_competencies(
        &mut self,
        hyper: &Hyper,
        item: &Item,
        gain: Gain,
        now: Moment,
        exercise: bool,
    ) {
        let h = item.params().a * item.share();
        let (session, number) = (self.session, self.answers);
        for (position, loading) in item.loadings().iter().enumerate() {
            if let Some(node) = self.c.get_mut(&loading.key) {
                node.node = node.node.step(h, gain);
                node.node.v += hyper.qk;
                node.n += 1;
                node.at = now;
                if exercise && position == 0 {
                    node.count_recent(session, number);
                }
            }
            let domain = self
                .d
                .entry(loading.domain_key)
                .or_insert_with(|| DomainNode::new(hyper));
            if hyper.vd > 0.0 {
                domain.node = domain.node.step(h, gain);
                domain.node.v += hyper.qd;
            }
            domain.n += u32::from(first_of_its_domain(item.loadings(), position));
        }
    }

    fn update_item(
        &mut self,
        hyper: &Hyper,
        item: u64,
        updated: Gauss,
        y: f64,
        correct: bool,
        now: Moment,
    ) {
        // Exactly gi1 and gi0 for a whole success and a whole failure, as in the reference.
        let step = if y >= 1.0 {
            hyper.gi1
        } else {
            hyper.gi0 + y * (hyper.gi1 - hyper.gi0)
        };
        let node = self.e.entry(item).or_insert(ItemNode {
            node: updated,
            at: now,
            n: 0,
            correct: 0,
            session: self.session,
        });
        node.node = Gauss {
            m: updated.m + step,
            v: updated.v + hyper.qi,
        };
        node.at = now;
        node.n += 1;
        node.correct += u32::from(correct);
        node.session = self.session;
    }

    pub(crate) fn update_general(&mut self, hyper: &Hyper, a: f64, gain: Gain) {
        let g = self.g.step(a, gain);
        self.g = Gauss {
            m: g.m,
            v: g.v + hyper.qg,
        };
    }

    fn update_session(&mut self, hyper: &Hyper, gain: Gain) {
        let s = self.s.step(1.0, gain);
        let phi2 = hyper.phi * hyper.phi;
        self.s = Gauss {
            m: hyper.phi * s.m,
            v: phi2 * s.v + (1.0 - phi2) * hyper.vs,
        };
    }
}

impl DomainNode {
    fn new(hyper: &Hyper) -> Self {
        Self {
            node: Gauss::prior(hyper.vd),
            n: 0,
            degree: None,
            note: Note::default(),
        }
    }
}

impl CompetencyNode {
    fn new(hyper: &Hyper) -> Self {
        Self {
            node: Gauss::prior(hyper.vk),
            n: 0,
            at: Moment::NONE,
            degree: None,
            recent: 0.0,
            recent_at: 0,
            session: 0,
        }
    }

    /// The node faded to a time, nothing written.
    pub(crate) fn at(&self, subject: &Subject, now: Moment) -> Faded {
        let (mut m, v) = (self.node.m, self.node.v);
        if self.n == 0 {
            return Faded {
                m,
                v,
                practice: 0.0,
            };
        }
        let mut practice = subject.practice(self.n);
        if let Some(seconds) = now.since(self.at) {
            let hyper = subject.hyper();
            let q = ln_1p(seconds / hyper.tau);
            practice -= hyper.rho * q;
            m *= exp(-hyper.rk * q);
        }
        Faded { m, v, practice }
    }

    /// About what [`Self::at`] gives for the level, its mean with what practice brings; and how much it moves at most
    /// with each second from then on, infinite where no bound is known.
    pub(crate) fn quick_level(&self, subject: &Subject, now: Moment) -> (f64, f64) {
        if self.n == 0 {
            return (self.node.m, 0.0);
        }
        let hyper = subject.hyper();
        let practice = subject.practice(self.n);
        // What fades does so ever more slowly.
        let fading = |seconds: f64| match hyper.rk >= 0.0 && hyper.tau > 0.0 {
            true => (hyper.rho.abs() + (hyper.rk * self.node.m).abs()) / (hyper.tau + seconds),
            false => f64::INFINITY,
        };
        let Some(seconds) = now.since(self.at) else {
            // Of one whose time is not known, none goes by.
            let fading = self.at.get().map_or(0.0, |_| fading(0.0));
            return (self.node.m + practice, fading);
        };
        let q = quick_ln_1p(seconds / hyper.tau);
        let level = self.node.m * quick_exp(-hyper.rk * q) + practice - hyper.rho * q;
        (level, fading(seconds))
    }

    /// Counts the pupil's answer number `number` (from 0), of session `session`, whose main
    /// competency this is.
    fn count_recent(&mut self, session: u32, number: u64) {
        let before = if self.session == session {
            self.recent_after(number + 1)
        } else {
            0.0
        };
        self.recent = before + 1.0;
        self.recent_at = number + 1;
        self.session = session;
    }

    /// `recent` faded until `answers` answers were given in all.
    fn recent_after(&self, answers: u64) -> f64 {
        let mut recent = self.recent;
        for _ in 0..answers.saturating_sub(self.recent_at) {
            recent *= RECENT_FADING;
            // What is left adds to nothing a person could notice; a long session ends the loop.
            if recent < 1e-9 {
                return 0.0;
            }
        }
        recent
    }
}

/// Whether no earlier competency of the item is in the same domain.
pub(crate) fn first_of_its_domain(loadings: &[Loading], position: usize) -> bool {
    loadings[..position]
        .iter()
        .all(|earlier| earlier.domain_key != loadings[position].domain_key)
}
