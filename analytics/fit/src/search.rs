/// Nelder-Mead (adaptive). Returns best point and value.
pub fn nelder_mead(x0: &[f64], steps: &[f64], evals: usize, mut f: impl FnMut(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let n = x0.len();
    let nf = n as f64;
    let (al, be, ga, de) = (1.0, 1.0 + 2.0 / nf, 0.75 - 0.5 / nf, 1.0 - 1.0 / nf);
    let mut s: Vec<(f64, Vec<f64>)> = vec![(f(x0), x0.to_vec())];
    for i in 0..n { let mut x = x0.to_vec(); x[i] += steps[i]; s.push((f(&x), x)); }
    let mut used = n + 1;
    while used < evals {
        s.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut cen = vec![0.0; n];
        for (_, x) in &s[..n] { for i in 0..n { cen[i] += x[i] / nf; } }
        let at = |t: f64, w: &[f64]| -> Vec<f64> { (0..n).map(|i| cen[i] + t * (w[i] - cen[i])).collect() };
        let worst = s[n].1.clone();
        let xr = at(-al, &worst); let fr = f(&xr); used += 1;
        if fr < s[0].0 {
            let xe = at(-al * be, &worst); let fe = f(&xe); used += 1;
            s[n] = if fe < fr { (fe, xe) } else { (fr, xr) };
        } else if fr < s[n - 1].0 { s[n] = (fr, xr); }
        else {
            let (xc, lim) = if fr < s[n].0 { (at(-al * ga, &worst), fr) } else { (at(ga, &worst), s[n].0) };
            let fc = f(&xc); used += 1;
            if fc < lim { s[n] = (fc, xc); }
            else {
                let best = s[0].1.clone();
                for k in 1..=n { let x: Vec<f64> = (0..n).map(|i| best[i] + de * (s[k].1[i] - best[i])).collect(); s[k] = (f(&x), x); used += 1; }
            }
        }
    }
    s.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (v, x) = s.swap_remove(0);
    (x, v)
}
