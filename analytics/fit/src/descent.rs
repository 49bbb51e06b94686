//! Quasi-Newton descent (Broyden, Fletcher, Goldfarb and Shanno) with slopes by differences: the least value
//! of a smooth function of some twenty variables.
//!
//! No random numbers: the same function gives the same point.

/// Distance over which a slope is measured: the function is computed to some 1e-14, the variables are of
/// the order of one.
const APART: f64 = 1e-4;

/// No variable moves further in a step.
const FARTHEST: f64 = 1.0;

/// How far the first step goes, before anything is known of how the function bends.
const FIRST: f64 = 0.3;

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The best point.
    pub point: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// How often the function was asked.
    pub evaluations: usize,
}

/// Descends from `start` until the function was asked `evaluations` times, or a step gains less than
/// `tolerance`. What is found is never worse than the start.
///
/// A value that is not a number counts as worse than any.
pub fn minimize(
    start: &[f64],
    evaluations: usize,
    tolerance: f64,
    function: impl Fn(&[f64]) -> f64,
) -> Minimum {
    let mut descent = Descent { asked: 0, function };
    let mut point = start.to_vec();
    let mut value = descent.at(&point);
    if point.is_empty() {
        return descent.end(point, value);
    }
    let mut slope = descent.slope(&point, value);
    let mut inverse = Inverse::new(&slope);
    while descent.asked + point.len() < evaluations {
        let Some((next, next_value)) =
            descent.step(&point, value, &inverse.downhill(&slope), &slope)
        else {
            // Nothing is lower that way: what was learnt of the bends misleads.
            if inverse.fresh {
                break;
            }
            inverse = Inverse::new(&slope);
            continue;
        };
        let gained = value - next_value;
        let next_slope = descent.slope(&next, next_value);
        inverse.learn(&difference(&next, &point), &difference(&next_slope, &slope));
        (point, value, slope) = (next, next_value, next_slope);
        if gained < tolerance {
            break;
        }
    }
    descent.end(point, value)
}

struct Descent<F> {
    asked: usize,
    function: F,
}

impl<F: Fn(&[f64]) -> f64> Descent<F> {
    fn at(&mut self, point: &[f64]) -> f64 {
        self.asked += 1;
        let value = (self.function)(point);
        if value.is_nan() { f64::INFINITY } else { value }
    }

    fn slope(&mut self, point: &[f64], value: f64) -> Vec<f64> {
        let mut aside = point.to_vec();
        let mut slope = Vec::with_capacity(point.len());
        for index in 0..point.len() {
            aside[index] = point[index] + APART;
            let change = (self.at(&aside) - value) / APART;
            // An edge of what can be computed is no way to go.
            slope.push(if change.is_finite() { change } else { 0.0 });
            aside[index] = point[index];
        }
        slope
    }

    /// The first point that way, at whole, half, quarter ... of the distance, that is lower as the slope
    /// promises.
    fn step(
        &mut self,
        point: &[f64],
        value: f64,
        way: &[f64],
        slope: &[f64],
    ) -> Option<(Vec<f64>, f64)> {
        let farthest = way.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let promised = dot(way, slope);
        if promised >= 0.0 || farthest == 0.0 {
            return None;
        }
        let mut share = (FARTHEST / farthest).min(1.0);
        for _ in 0..12 {
            let next: Vec<f64> = point.iter().zip(way).map(|(x, d)| x + share * d).collect();
            let next_value = self.at(&next);
            if next_value < value + 1e-4 * share * promised {
                return Some((next, next_value));
            }
            share /= 2.0;
        }
        None
    }

    fn end(self, point: Vec<f64>, value: f64) -> Minimum {
        Minimum {
            point,
            value,
            evaluations: self.asked,
        }
    }
}

/// The inverse of how the slope changes from place to place, as far as steps have shown it.
#[derive(Debug)]
struct Inverse {
    rows: Vec<Vec<f64>>,
    /// Whether no step has shown anything yet.
    fresh: bool,
}

impl Inverse {
    fn new(slope: &[f64]) -> Self {
        let steepest = slope.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let scale = if steepest > 0.0 {
            FIRST / steepest
        } else {
            1.0
        };
        let count = slope.len();
        let row = |index: usize| {
            let mut row = vec![0.0; count];
            row[index] = scale;
            row
        };
        Self {
            rows: (0..count).map(row).collect(),
            fresh: true,
        }
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, vector)).collect()
    }

    fn downhill(&self, slope: &[f64]) -> Vec<f64> {
        self.times(slope).into_iter().map(|x| -x).collect()
    }

    /// What a step and the change of the slope over it tell.
    fn learn(&mut self, step: &[f64], change: &[f64]) {
        let bend = dot(step, change);
        if bend <= 1e-12 {
            return;
        }
        if self.fresh {
            let scale = bend / dot(change, change);
            for (index, row) in self.rows.iter_mut().enumerate() {
                row[index] = scale;
            }
            self.fresh = false;
        }
        let moved = self.times(change);
        let stretch = (1.0 + dot(change, &moved) / bend) / bend;
        for (i, row) in self.rows.iter_mut().enumerate() {
            for (j, x) in row.iter_mut().enumerate() {
                *x +=
                    stretch * step[i] * step[j] - (moved[i] * step[j] + step[i] * moved[j]) / bend;
            }
        }
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

fn difference(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(x, y)| x - y).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_bottom_of_a_bent_valley() {
        let valley =
            |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2) + x[2] * x[2];
        let found = minimize(&[-1.2, 1.0, 0.5], 2_000, 1e-14, valley);
        // Where it bends by 800, a slope measured over APART is off by 0.04: that is where it ends.
        assert!(found.value < 1e-3, "{found:?}");
        assert!((found.point[0] - 1.0).abs() < 0.05 && found.evaluations <= 2_010);
    }

    #[test]
    fn what_is_not_a_number_is_never_the_best() {
        let half = |x: &[f64]| if x[0] < 0.0 { f64::NAN } else { x[0] };
        let found = minimize(&[1.0], 200, 0.0, half);
        assert!(found.value.is_finite() && found.value < 0.1, "{found:?}");
    }

    #[test]
    fn where_it_is_flat_the_start_is_the_answer() {
        assert_eq!(minimize(&[1.0, 2.0], 100, 0.0, |_| 7.0).point, [1.0, 2.0]);
        let found = minimize(&[], 100, 0.0, |_| 7.0);
        assert_eq!((found.value, found.evaluations), (7.0, 1));
    }
}
