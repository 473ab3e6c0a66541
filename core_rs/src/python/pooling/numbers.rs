//! Prevalence, design and advice: keyword arguments in, dictionaries out.

#![allow(clippy::needless_pass_by_value, reason = "arguments are taken out of Python objects")]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error::{Error, Kind};
use crate::pooling::array::{Arrangement, arrange, array, array_each};
use crate::pooling::design::{Characteristics, Quality, Stages, equal_stages, hierarchical};
use crate::pooling::intervals::Interval;
use crate::pooling::numbers::binomial_tail as tail;
use crate::pooling::optimal::{
    Chances, Family, Objective, Search, advice, informative_pools, optimal_size,
};
use crate::pooling::prevalence::{Point, Pools, Sample, household_warning};
use crate::pooling::risks::expected_risks;
use crate::pooling::sterrett::{Rule, sterrett};
use crate::python::to_python;

/// One value for all stages (sizes of pools), or one for each.
#[derive(FromPyObject)]
pub(super) enum PerStage {
    One(f64),
    Each(Vec<f64>),
}

fn fault(py: Python<'_>, code: &'static str, message: String) -> PyErr {
    to_python(py, &Error::new(Kind::Invalid, code, message))
}

fn qualities(
    py: Python<'_>,
    sensitivity: PerStage,
    specificity: PerStage,
) -> PyResult<Vec<Quality>> {
    let list = |value: PerStage| match value {
        PerStage::One(value) => vec![value],
        PerStage::Each(values) => values,
    };
    let (mut se, mut sp) = (list(sensitivity), list(specificity));
    let stages = se.len().max(sp.len());
    for values in [&mut se, &mut sp] {
        if values.len() == 1 {
            *values = vec![values[0]; stages];
        }
    }
    if se.len() != sp.len() || se.is_empty() {
        let message = "sensitivity and specificity differ in their number of stages".to_owned();
        return Err(fault(py, "pooling.design", message));
    }
    let pair = |(sensitivity, specificity)| Quality { sensitivity, specificity };
    Ok(se.into_iter().zip(sp).map(pair).collect())
}

fn named<T: Copy>(py: Python<'_>, what: &str, name: &str, all: &[(&str, T)]) -> PyResult<T> {
    all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|(known, _)| *known).collect();
        fault(py, "pooling.name", format!("{what} '{name}' is none of {}", known.join(", ")))
    })
}

#[pyfunction]
#[pyo3(signature = (positive, size, tested, *, point="firth", interval=None, confidence=0.95,
    sensitivity=PerStage::One(1.0), specificity=PerStage::One(1.0)))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
fn pool_prevalence<'py>(
    py: Python<'py>,
    positive: Vec<f64>,
    size: Vec<f64>,
    tested: Vec<f64>,
    point: &str,
    interval: Option<&str>,
    confidence: f64,
    sensitivity: PerStage,
    specificity: PerStage,
) -> PyResult<Bound<'py, PyDict>> {
    let quality = qualities(py, sensitivity, specificity)?;
    let sample = sample(py, &positive, &size, &tested, &quality)?;
    let points =
        // "bc-mle" is what PooledInfRate and binGroup2 call Gart's estimate as well.
        [
            ("mle", Point::Mle),
            ("gart", Point::Gart),
            ("bc-mle", Point::Gart),
            ("firth", Point::Firth),
            ("mir", Point::Mir),
        ];
    let point = named(py, "point", point, &points)?;
    let interval = interval.map(|name| named(py, "interval", name, Interval::NAMES)).transpose()?;
    let made = py
        .detach(|| sample.estimate(point, interval, confidence))
        .map_err(|error| to_python(py, &error))?;
    let row = PyDict::new(py);
    row.set_item("estimate", made.estimate)?;
    row.set_item("lower", made.lower)?;
    row.set_item("upper", made.upper)?;
    row.set_item("at_least", made.at_least)?;
    Ok(row)
}

fn sample(
    py: Python<'_>,
    positive: &[f64],
    size: &[f64],
    tested: &[f64],
    quality: &[Quality],
) -> PyResult<Sample> {
    let is_for_all = quality.len() == 1;
    if positive.len() != size.len()
        || size.len() != tested.len()
        || !(is_for_all || quality.len() == size.len())
    {
        let message = "positive, size and tested have one value for each group".to_owned();
        return Err(fault(py, "pooling.prevalence", message));
    }
    let groups: Vec<Pools> = positive
        .iter()
        .zip(size)
        .zip(tested)
        .enumerate()
        .map(|(at, ((&positive, &size), &tested))| {
            let quality = quality[if is_for_all { 0 } else { at }];
            Pools { size, tested, positive, quality }
        })
        .collect();
    Sample::new(&groups).map_err(|error| to_python(py, &error))
}

#[pyfunction]
fn pool_household_warning(
    py: Python<'_>,
    positive: Vec<f64>,
    size: Vec<f64>,
    tested: Vec<f64>,
    confirmed: f64,
    resolved: f64,
) -> PyResult<Option<(f64, f64)>> {
    let sample = sample(py, &positive, &size, &tested, &[Quality::PERFECT])?;
    Ok(household_warning(&sample, confirmed, resolved))
}

#[pyfunction]
fn binomial_tail(py: Python<'_>, positive: u32, tested: u32, share: f64) -> PyResult<f64> {
    if !(0.0..=1.0).contains(&share) || positive > tested {
        let message = "a share lies between 0 and 1, and no more are positive than tested";
        return Err(fault(py, "pooling.share", message.to_owned()));
    }
    Ok(tail(positive, tested, share))
}

fn characteristics<'py>(py: Python<'py>, made: &Characteristics) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("people", made.people)?;
    row.set_item("expected_tests", made.expected_tests)?;
    row.set_item("tests_per_person", made.tests_per_person())?;
    row.set_item("missed", made.missed)?;
    row.set_item("false_positives", made.false_positives)?;
    // None where nobody is positive (negative), so that there is no such share.
    for (name, share) in [
        ("sensitivity", made.sensitivity),
        ("specificity", made.specificity),
        ("ppv", made.ppv),
        ("npv", made.npv),
    ] {
        row.set_item(name, (!share.is_nan()).then_some(share))?;
    }
    Ok(row)
}

/// The chances of a design: one of `p`, `p_each` and `p` with `alpha`.
fn chances(
    py: Python<'_>,
    p: Option<f64>,
    p_each: Option<Vec<f64>>,
    alpha: Option<f64>,
) -> PyResult<Chances> {
    match (p, p_each, alpha) {
        (Some(p), None, None) => Ok(Chances::Equal(p)),
        (None, Some(each), None) => Ok(Chances::Each(each)),
        (Some(p), None, Some(alpha)) => Ok(Chances::Beta { p, alpha }),
        _ => {
            let message = "a design needs p, or p_each, or p with alpha".to_owned();
            Err(fault(py, "pooling.design", message))
        }
    }
}

fn sterrett_rule(quality: &[Quality], poolings: Option<usize>, infers_last: Option<bool>) -> Rule {
    let is_perfect = quality.iter().all(|q| *q == Quality::PERFECT);
    // Nobody is called positive without a test where tests can be wrong.
    Rule { poolings, infers_last: infers_last.unwrap_or(is_perfect && poolings.is_none()) }
}

#[pyfunction]
#[pyo3(signature = (design, *, p=None, p_each=None, alpha=None, sizes=None, stages=None,
    sensitivity=PerStage::One(1.0), specificity=PerStage::One(1.0), arrangement=None,
    poolings=None, infers_last=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
fn pool_design<'py>(
    py: Python<'py>,
    design: &str,
    p: Option<f64>,
    p_each: Option<Vec<f64>>,
    alpha: Option<f64>,
    sizes: Option<Vec<usize>>,
    stages: Option<Stages>,
    sensitivity: PerStage,
    specificity: PerStage,
    arrangement: Option<&str>,
    poolings: Option<usize>,
    infers_last: Option<bool>,
) -> PyResult<Bound<'py, PyDict>> {
    let quality = qualities(py, sensitivity, specificity)?;
    let family = named(py, "design", design, Family::NAMES)?;
    let missing = |what: &str| fault(py, "pooling.design", format!("{design} needs {what}"));
    if p.is_none() && p_each.is_none() {
        return Err(missing("p or p_each"));
    }
    let known = chances(py, p, p_each, alpha)?;
    let sizes = sizes.unwrap_or_default();
    let is_array =
        matches!(family, Family::Array | Family::InformativeArray | Family::ArrayWithMaster);
    let people = match (&known, &sizes[..], &stages) {
        (Chances::Each(each), _, _) => each.len(),
        (_, [side], _) if is_array => side * side,
        (_, [rows, columns], _) if is_array => rows * columns,
        (_, _, Some(stages)) if !is_array && !stages.is_empty() => stages[0].len(),
        (_, [size, ..], _) if !is_array => *size,
        _ if is_array => return Err(missing("sizes of rows and columns")),
        _ => return Err(missing("sizes, or p_each with stages")),
    };
    if people == 0 || people > 100_000 {
        return Err(missing("between 1 and 100000 people"));
    }
    let risks = |known| match known {
        Chances::Equal(p) => Ok(vec![p; people]),
        Chances::Each(each) => Ok(each),
        Chances::Beta { p, alpha } => expected_risks(p, alpha, people),
    };
    let made = match family {
        Family::Dorfman | Family::InformativeDorfman | Family::Hierarchical => {
            // People of known chances and no sizes: one pool of all of them.
            let sizes = if sizes.is_empty() { vec![people] } else { sizes };
            let stages = match stages {
                Some(stages) => stages,
                None => equal_stages(people, &sizes).map_err(|error| to_python(py, &error))?,
            };
            risks(known).and_then(|risks| py.detach(|| hierarchical(&risks, &stages, &quality)))
        }
        Family::Array | Family::InformativeArray | Family::ArrayWithMaster => {
            let (rows, columns) = match sizes[..] {
                [rows, columns] => (rows, columns),
                [side] => (side, side),
                _ => (people.isqrt(), people.isqrt()),
            };
            let has_master = family == Family::ArrayWithMaster;
            let is_given = family != Family::InformativeArray;
            let arrangement = match arrangement {
                Some(name) => named(py, "arrangement", name, Arrangement::NAMES)?,
                None if is_given => Arrangement::Given,
                None => Arrangement::Gradient,
            };
            match known {
                Chances::Equal(p) => array(p, rows, columns, has_master, &quality),
                known => risks(known)
                    .and_then(|risks| arrange(&risks, rows, columns, arrangement))
                    .and_then(|risks| {
                        py.detach(|| array_each(&risks, rows, columns, has_master, &quality))
                    }),
            }
        }
        Family::Sterrett => {
            let rule = sterrett_rule(&quality, poolings, infers_last);
            risks(known).and_then(|risks| py.detach(|| sterrett(&risks, &quality, rule)))
        }
    };
    characteristics(py, &made.map_err(|error| to_python(py, &error))?)
}

/// Two weights of errors, for the objective of that name.
fn objective(py: Python<'_>, name: &str, weights: Option<(f64, f64)>) -> PyResult<Objective> {
    let (false_positive, missed) = weights.unwrap_or((1.0, 1.0));
    let names = [
        ("ET", Objective::Tests),
        ("MAR", Objective::TestsPerCorrect),
        ("GR", Objective::Weighted { false_positive, missed }),
    ];
    named(py, "objective", name, &names)
}

#[pyfunction]
#[pyo3(signature = (design, p=None, *, p_each=None, alpha=None, sizes_from=2, sizes_to=100,
    stages=3, objective="ET", weights=None, sensitivity=PerStage::One(1.0),
    specificity=PerStage::One(1.0), poolings=None, infers_last=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
fn optimal_pool_size<'py>(
    py: Python<'py>,
    design: &str,
    p: Option<f64>,
    p_each: Option<Vec<f64>>,
    alpha: Option<f64>,
    sizes_from: usize,
    sizes_to: usize,
    stages: usize,
    objective: &str,
    weights: Option<(f64, f64)>,
    sensitivity: PerStage,
    specificity: PerStage,
    poolings: Option<usize>,
    infers_last: Option<bool>,
) -> PyResult<Bound<'py, PyDict>> {
    let quality = qualities(py, sensitivity, specificity)?;
    let family = named(py, "design", design, Family::NAMES)?;
    let known = chances(py, p, p_each, alpha)?;
    let search = Search {
        sizes: (sizes_from, sizes_to),
        stages,
        objective: self::objective(py, objective, weights)?,
        rule: sterrett_rule(&quality, poolings, infers_last),
    };
    let best = py
        .detach(|| optimal_size(family, &known, &quality, &search))
        .map_err(|error| to_python(py, &error))?;
    let row = characteristics(py, &best.at)?;
    row.set_item("value", best.value)?;
    row.set_item("size", best.sizes.first())?;
    row.set_item("sizes", best.sizes)?;
    row.set_item("groups", best.groups)?;
    row.set_item("stages", best.stages)?;
    row.set_item("p_each", best.risks)?;
    Ok(row)
}

#[pyfunction(name = "informative_pools")]
#[pyo3(signature = (chances, largest, *, sensitivity=1.0, specificity=1.0))]
fn informative(
    py: Python<'_>,
    chances: Vec<f64>,
    largest: usize,
    sensitivity: f64,
    specificity: f64,
) -> PyResult<(Vec<Vec<usize>>, f64)> {
    py.detach(|| informative_pools(&chances, largest, &[Quality { sensitivity, specificity }]))
        .map_err(|error| to_python(py, &error))
}

#[pyfunction]
#[pyo3(signature = (p, sizes, *, qualities=None, prices=None))]
fn pool_advice(
    py: Python<'_>,
    p: f64,
    sizes: Vec<usize>,
    qualities: Option<std::collections::HashMap<usize, (f64, f64)>>,
    prices: Option<std::collections::HashMap<usize, f64>>,
) -> PyResult<Bound<'_, PyList>> {
    let quality = |size: usize| {
        let known = qualities.as_ref().and_then(|q| q.get(&size));
        known.map_or(Quality::PERFECT, |&(sensitivity, specificity)| Quality {
            sensitivity,
            specificity,
        })
    };
    let price = |size: usize| prices.as_ref().and_then(|p| p.get(&size).copied());
    let made =
        advice(p, &sizes, quality(1), quality, price).map_err(|error| to_python(py, &error))?;
    let lines = PyList::empty(py);
    for line in made {
        let row = PyDict::new(py);
        row.set_item("size", line.size)?;
        row.set_item("tests_per_person", line.tests_per_person)?;
        row.set_item("saving", line.saving)?;
        row.set_item("price_per_person", line.price_per_person)?;
        row.set_item("missed_per_100_000", line.missed_per_100_000)?;
        lines.append(row)?;
    }
    Ok(lines)
}

/// Adds the functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pool_prevalence, module)?)?;
    module.add_function(wrap_pyfunction!(pool_household_warning, module)?)?;
    module.add_function(wrap_pyfunction!(binomial_tail, module)?)?;
    module.add_function(wrap_pyfunction!(pool_design, module)?)?;
    module.add_function(wrap_pyfunction!(optimal_pool_size, module)?)?;
    module.add_function(wrap_pyfunction!(informative, module)?)?;
    module.add_function(wrap_pyfunction!(pool_advice, module)?)
}
