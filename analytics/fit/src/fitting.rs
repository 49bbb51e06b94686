//! The fit: hyper-parameters by their log loss over pupils held out, then items over everybody.

use std::collections::HashSet;
use std::ops::ControlFlow;

use mastery::{Hyper, ItemParams};

use crate::answers::Answers;
use crate::checkpoint::{Checkpoint, Ended, Progress};
use crate::constants::{CONSTANTS, Constant, Needs};
use crate::descent;
use crate::diagnostics::Diagnostics;
use crate::filter;
use crate::items::{Calibration, Expected, Items};
use crate::scores::{Reliability, Scores};
use crate::sequences::Sequences;

/// A search ends when a step gains less log loss.
const TOLERANCE: f64 = 1e-7;

/// Rounds end when one gains less log loss.
const ROUND_TOLERANCE: f64 = 1e-5;

/// How a fit is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where searches begin; the end that predicts the held-out pupils best is kept.
    pub starts: Vec<Hyper>,
    /// Evaluations of a search: of each start, and in each round after.
    pub evaluations: usize,
    /// Rounds of search and items: one from each start, the others from the better end.
    pub rounds: usize,
    /// Passes over the items in a round.
    pub passes: usize,
    /// Passes over the items at the end, from counts again, over all pupils.
    pub final_passes: usize,
    /// Share of the answers whose pupils are held out for the hyper-parameters.
    pub held_out: f64,
    /// Constants that keep a value, by name: what a part is worth is seen by holding it at 0.
    pub held: Vec<(&'static str, f64)>,
    /// Whether discriminations are fitted; else all are 1.
    pub discrimination: bool,
    /// Threads. No bit of the result depends on it.
    pub workers: usize,
}

impl Default for Settings {
    /// Two starts, [`usual`] and [`low`], because the end depends on the start; 500 evaluations
    /// from each, and three more rounds from the better end. A quarter of the answers is held out.
    fn default() -> Self {
        Self {
            starts: vec![usual(), low()],
            evaluations: 500,
            rounds: 4,
            passes: 4,
            final_passes: 8,
            held_out: 0.25,
            held: Vec::new(),
            discrimination: true,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// The first start: the model's defaults, and pupils who differ a little in what retries bring.
#[must_use]
pub fn usual() -> Hyper {
    Hyper {
        vr: 0.1,
        ..Hyper::default()
    }
}

/// The second start: little memory of items, nothing gained by retries.
///
/// Some practice (many immediate retries, hints) is not reached from the defaults, other not from here.
#[must_use]
pub fn low() -> Hyper {
    Hyper {
        vg: 1.1,
        vd: 0.4,
        vk: 0.4,
        vs: 0.15,
        vi: 0.1,
        qk: 0.01,
        qi: 0.2,
        phi: 0.85,
        lam: 0.3,
        kap: 0.1,
        rho: 0.04,
        rk: 0.02,
        ri: 0.05,
        gi1: 0.2,
        gi0: 0.0,
        rw: 0.0,
        rr: 0.0,
        ..usual()
    }
}

/// What a search from one start came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its constants.
    pub hyper: Hyper,
    /// Log loss over the held-out pupils.
    pub log_loss: f64,
    /// How often the filter was run for it.
    pub evaluations: usize,
}

/// What was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The constants.
    pub hyper: Hyper,
    /// Parameters of each item, in the order of [`Answers::items`].
    pub items: Vec<ItemParams>,
    /// Answers that each item's parameters rest on.
    pub answers: Vec<u64>,
    /// What is expected of items that nobody answered, or that come later.
    pub expected: Expected,
    /// The searches, in the order of their starts.
    pub attempts: Vec<Attempt>,
    /// Which constants were searched, by name.
    pub searched: Vec<&'static str>,
    /// How the held-out pupils were predicted, by items that never saw them.
    pub held_out: HeldOut,
    /// What is odd about items.
    pub diagnostics: Diagnostics,
}

/// How pupils were predicted that items were not fitted on. The constants were chosen by them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Pupils. Where there are too few to hold any out they are all of them.
    pub pupils: usize,
    /// Their answers.
    pub answers: usize,
    /// The figures.
    pub scores: Scores,
    /// Expected against come.
    pub reliability: Reliability,
}

/// Fits items and constants to answers.
///
/// Deterministic: the same answers and settings give the same bits, whatever the number of workers.
#[must_use]
pub fn fit(answers: &Answers, settings: &Settings) -> Fitted {
    let go_on = |_: &Checkpoint, _: &Progress| ControlFlow::Continue(());
    fit_from(answers, settings, &Checkpoint::default(), go_on).expect("nobody stops it")
}

/// The same, from where it stood; `watch` is told after each search and may stop it, which gives none.
///
/// A checkpoint of other items or other starts is passed over: the fit begins anew.
pub fn fit_from(
    answers: &Answers,
    settings: &Settings,
    from: &Checkpoint,
    mut watch: impl FnMut(&Checkpoint, &Progress) -> ControlFlow<()>,
) -> Option<Fitted> {
    let units = settings.starts.first().copied().unwrap_or_default();
    let (rest, held_out) = hold_out(answers, settings.held_out);
    let rest = Sequences::new(answers, &rest, &units);
    let held_out_answers = Sequences::new(answers, &held_out, &units);
    let search = Search {
        free: free(answers, &rest, settings),
        answers,
        rest: &rest,
        held_out: &held_out_answers,
        settings,
    };
    let ends = search.ends(from, &units, &mut watch)?;
    let best = better(&ends);
    let Attempt { hyper, .. } = ends[best].attempt;
    let items = &ends[best].items;
    let predicted = filter::predictions(&held_out_answers, &items.params, &hyper, settings.workers);
    let everybody: Vec<usize> = (0..answers.pupils().len()).collect();
    let all = Sequences::new(answers, &everybody, &units);
    let mut items = Items::start(&all, answers.items());
    items.calibrate(
        &all,
        &hyper,
        search.calibration(settings.final_passes),
        settings.workers,
    );
    Some(Fitted {
        hyper,
        diagnostics: Diagnostics::of(answers, &all, &items, &hyper, settings.workers),
        expected: items.expected(answers.items()),
        items: items.params,
        answers: items.answers,
        attempts: ends.into_iter().map(|end| end.attempt).collect(),
        searched: search.free.iter().map(Constant::name).collect(),
        held_out: HeldOut {
            pupils: held_out.len(),
            answers: predicted.len(),
            scores: Scores::of(&predicted),
            reliability: Reliability::of(&predicted),
        },
    })
}

/// The search that predicts the held-out pupils best.
fn better(ends: &[End]) -> usize {
    let log_loss = |end: usize| ends[end].attempt.log_loss;
    (0..ends.len())
        .min_by(|one, other| log_loss(*one).total_cmp(&log_loss(*other)))
        .unwrap_or(0)
}

/// A start with what is held, and without the split that answers of one domain cannot show.
fn held(start: &Hyper, answers: &Answers, settings: &Settings) -> Hyper {
    let mut hyper = *start;
    if answers.domain_count() < 2 {
        // Only the sum of both is seen; a node less says the same.
        hyper.vg += hyper.vd;
        (hyper.vd, hyper.qd) = (0.0, 0.0);
    }
    for (name, value) in &settings.held {
        if let Some(constant) = Constant::named(name) {
            constant.set(&mut hyper, *value);
        }
    }
    hyper
}

/// Pupils to fit items on, and pupils to choose the constants by: by a hash of their keys, until these
/// have their share of the answers. One pupil alone is both.
fn hold_out(answers: &Answers, share: f64) -> (Vec<usize>, Vec<usize>) {
    let pupils = answers.pupils();
    let mut order: Vec<usize> = (0..pupils.len()).collect();
    order.sort_by_key(|&pupil| (mixed(pupils[pupil].key), pupil));
    let all: usize = pupils.iter().map(|pupil| pupil.answers.len()).sum();
    let (mut held_out, mut rest, mut taken) = (Vec::new(), Vec::new(), 0.0);
    for pupil in order {
        let count = pupils[pupil].answers.len() as f64;
        if taken + count / 2.0 <= share * all as f64 {
            taken += count;
            held_out.push(pupil);
        } else {
            rest.push(pupil);
        }
    }
    if held_out.is_empty() || rest.is_empty() {
        held_out.append(&mut rest);
        rest.clone_from(&held_out);
    }
    rest.sort_unstable();
    held_out.sort_unstable();
    (rest, held_out)
}

/// A number that looks like chance, of a key: splitmix64.
#[must_use]
pub fn mixed(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The constants that these answers can tell something of, less those that are held.
fn free(answers: &Answers, rest: &Sequences, settings: &Settings) -> Vec<Constant> {
    let mut there: HashSet<Needs> = HashSet::from([Needs::Nothing]);
    if answers.domain_count() > 1 {
        there.insert(Needs::Domains);
    }
    for row in rest.rows() {
        there.extend(row.needs());
    }
    if rest.loadings().iter().any(|loading| loading.rested > 0.0) {
        there.insert(Needs::Times);
    }
    let is_held = |name: &str| settings.held.iter().any(|(held, _)| *held == name);
    CONSTANTS
        .into_iter()
        .filter(|constant| there.contains(&constant.needs()) && !is_held(constant.name()))
        .collect()
}

/// Where a search stands.
#[derive(Debug, Clone)]
struct End {
    start: Hyper,
    attempt: Attempt,
    items: Items,
}

impl End {
    fn ended(&self) -> Ended {
        Ended {
            start: self.start,
            attempt: self.attempt.clone(),
            items: self.items.numbers(),
        }
    }
}

struct Search<'a> {
    free: Vec<Constant>,
    answers: &'a Answers,
    rest: &'a Sequences,
    held_out: &'a Sequences,
    settings: &'a Settings,
}

impl Search<'_> {
    fn calibration(&self, passes: usize) -> Calibration {
        Calibration {
            passes,
            discrimination: self.settings.discrimination,
        }
    }

    fn loss(&self, items: &Items, hyper: &Hyper) -> f64 {
        filter::log_loss(self.held_out, &items.params, hyper, self.settings.workers)
    }

    fn calibrate(&self, items: &mut Items, hyper: &Hyper) {
        let how = self.calibration(self.settings.passes);
        items.calibrate(self.rest, hyper, how, self.settings.workers);
    }

    /// Every search that is not done yet: a first one from each start, then rounds from the better end.
    /// None where the one who watches stopped it.
    fn ends(
        &self,
        from: &Checkpoint,
        units: &Hyper,
        watch: &mut impl FnMut(&Checkpoint, &Progress) -> ControlFlow<()>,
    ) -> Option<Vec<End>> {
        let (settings, mut starts) = (self.settings, self.settings.starts.clone());
        if starts.is_empty() {
            // Nowhere to begin: the defaults.
            starts.push(*units);
        }
        let starts: Vec<Hyper> = starts
            .iter()
            .map(|start| held(start, self.answers, settings))
            .collect();
        let of = starts.len() + settings.rounds.saturating_sub(1);
        let (mut ends, mut rounds, mut settled) = self.restore(from, &starts).unwrap_or_default();
        let mut tell = |ends: &[End], rounds, settled| {
            let checkpoint = Checkpoint {
                ends: ends.iter().map(End::ended).collect(),
                rounds,
                settled,
            };
            watch(&checkpoint, &checkpoint.progress(of)).continue_value()
        };
        for start in &starts[ends.len().min(starts.len())..] {
            ends.push(self.begin(*start));
            tell(&ends, 0, false)?;
        }
        let best = better(&ends);
        while !settled && rounds + 1 < settings.rounds {
            settled = self.round(&mut ends[best]) < ROUND_TOLERANCE;
            rounds += 1;
            tell(&ends, rounds, settled)?;
        }
        Some(ends)
    }

    /// Where a checkpoint stood; none where it is of other starts or items.
    fn restore(&self, from: &Checkpoint, starts: &[Hyper]) -> Option<(Vec<End>, usize, bool)> {
        if from.ends.len() > starts.len() {
            return None;
        }
        let ends = from.ends.iter().zip(starts).map(|(ended, start)| {
            let mut items = Items::start(self.rest, self.answers.items());
            let same = ended.start == *start && items.restore(&ended.items);
            same.then_some(End {
                start: *start,
                attempt: ended.attempt.clone(),
                items,
            })
        });
        let ends: Option<Vec<End>> = ends.collect();
        Some((ends?, from.rounds, from.settled))
    }

    /// A start with its items, and a first round.
    fn begin(&self, start: Hyper) -> End {
        let mut items = Items::start(self.rest, self.answers.items());
        self.calibrate(&mut items, &start);
        let mut end = End {
            attempt: Attempt {
                log_loss: self.loss(&items, &start),
                hyper: start,
                evaluations: 1,
            },
            start,
            items,
        };
        if self.settings.rounds > 0 {
            self.round(&mut end);
        }
        end
    }

    /// A search, then items again; how much was gained. A round that ends no better is left out: what is
    /// kept never predicts worse than its start.
    fn round(&self, end: &mut End) -> f64 {
        let (hyper, evaluations) = self.search(&end.start, &end.attempt.hyper, &end.items);
        end.attempt.evaluations += evaluations;
        let mut items = end.items.clone();
        self.calibrate(&mut items, &hyper);
        let log_loss = self.loss(&items, &hyper);
        let gained = end.attempt.log_loss - log_loss;
        if gained > 0.0 {
            (end.attempt.hyper, end.attempt.log_loss) = (hyper, log_loss);
            end.items = items;
        }
        gained
    }

    /// One search, the items standing still.
    ///
    /// A variable that is one away from its start costs what one half of a unit of log likelihood is: a
    /// prior of standard deviation 1, which decides where there are a few hundred answers and is nothing
    /// where there are many thousand.
    fn search(&self, start: &Hyper, from: &Hyper, items: &Items) -> (Hyper, usize) {
        let centre: Vec<f64> = self.free.iter().map(|c| c.variable(start)).collect();
        let point: Vec<f64> = self.free.iter().map(|c| c.variable(from)).collect();
        let count = (self.held_out.answers() as f64).max(1.0);
        let hyper_at = |variables: &[f64]| {
            let mut hyper = *from;
            for (constant, variable) in self.free.iter().zip(variables) {
                constant.set_variable(&mut hyper, *variable);
            }
            hyper
        };
        let cost = |variables: &[f64]| {
            let away = variables.iter().zip(&centre);
            let prior: f64 = away.map(|(x, c)| (x - c) * (x - c)).sum::<f64>() / 2.0;
            self.loss(items, &hyper_at(variables)) + prior / count
        };
        let found = descent::minimize(&point, self.settings.evaluations, TOLERANCE, cost);
        (hyper_at(&found.point), found.evaluations)
    }
}
