//! `PoolPolicy`: the rules of a campaign as Python keyword arguments.

use pyo3::prelude::*;

use crate::pooling::policy::Policy;
use crate::python::to_python;

/// The dated rules of a campaign; every argument has the default of the core.
#[pyclass(module = "core_rs", frozen, name = "PoolPolicy")]
pub(crate) struct PoolPolicy {
    pub(crate) policy: Policy,
}

fn seconds(amount: Option<f64>, unit: f64, default: u32) -> u32 {
    // Negative, infinite and NaN amounts saturate; `checked` refuses what makes no sense.
    amount.map_or(default, |amount| (amount * unit).round() as u32)
}

#[pymethods]
impl PoolPolicy {
    #[new]
    #[pyo3(signature = (*, max_size=None, validated_size=None, stranger_clears=false,
        clock_tolerance_minutes=None, round_days=None, episode_days=None, same_day_hours=None,
        reuse_days=None, receipt_hours=None, result_hours=None, max_attempts=2, weak_ct=35.0,
        ct_gap=3.0, alarm_probability=0.001, overlapping=false, accept_decoded_positive=false,
        pool_symptomatic=false, single_contact_classes=Vec::new(),
        pooled_specimen_types=Vec::new(), pooled_methods=Vec::new()))]
    #[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)]
    fn new(
        py: Python<'_>,
        max_size: Option<u32>,
        validated_size: Option<u32>,
        stranger_clears: bool,
        clock_tolerance_minutes: Option<f64>,
        round_days: Option<f64>,
        episode_days: Option<f64>,
        same_day_hours: Option<f64>,
        reuse_days: Option<f64>,
        receipt_hours: Option<f64>,
        result_hours: Option<f64>,
        max_attempts: u32,
        weak_ct: f32,
        ct_gap: f32,
        alarm_probability: f64,
        overlapping: bool,
        accept_decoded_positive: bool,
        pool_symptomatic: bool,
        single_contact_classes: Vec<String>,
        pooled_specimen_types: Vec<String>,
        pooled_methods: Vec<String>,
    ) -> PyResult<Self> {
        let usual = Policy::default();
        let policy = Policy {
            max_size,
            validated_size,
            stranger_clears,
            clock_tolerance: seconds(clock_tolerance_minutes, 60.0, usual.clock_tolerance),
            round_seconds: seconds(round_days, 86_400.0, usual.round_seconds),
            episode_seconds: seconds(episode_days, 86_400.0, usual.episode_seconds),
            same_day_seconds: seconds(same_day_hours, 3_600.0, usual.same_day_seconds),
            reuse_seconds: seconds(reuse_days, 86_400.0, usual.reuse_seconds),
            receipt_seconds: seconds(receipt_hours, 3_600.0, usual.receipt_seconds),
            result_seconds: seconds(result_hours, 3_600.0, usual.result_seconds),
            max_attempts,
            weak_ct,
            ct_gap,
            alarm_probability,
            overlapping,
            accept_decoded_positive,
            pool_symptomatic,
            single_contact_classes,
            pooled_specimen_types,
            pooled_methods,
        };
        policy.checked().map(|policy| Self { policy }).map_err(|error| to_python(py, &error))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.policy)
    }
}

/// Adds the class to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PoolPolicy>()
}
