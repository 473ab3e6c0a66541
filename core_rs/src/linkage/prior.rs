//! What the model of people believes before it has seen any record: the start of the training,
//! and all there is while an index is young. Order of levels: `fields::PEOPLE` without `missing`.

use super::learn::Learning::{self, Fixed, Free, Like};

/// The same person, twins, namesakes in one household (a child named like the parent), others of
/// one household, strangers of one year of birth, other strangers; field by field.
pub const PEOPLE: [[&[f64]; 7]; 6] = [
    [
        &[0.36, 0.04, 0.07, 0.17, 0.14, 0.05, 0.04, 0.04, 0.03, 0.005, 0.02, 0.02],
        &[0.10, 0.20, 0.24, 0.18, 0.13, 0.05, 0.05, 0.015, 0.0005, 0.0005, 0.02, 0.005],
        &[0.80, 0.03, 0.10, 0.008, 0.02, 0.01, 0.01, 0.002, 0.003, 0.0005, 0.002, 0.003],
        &[0.985, 0.015],
        &[
            0.03, 0.14, 0.37, 0.21, 0.007, 0.034, 0.09, 0.05, 0.011, 0.002, 0.02, 0.003, 0.002,
            0.014, 0.003, 0.003,
        ],
        &[0.82, 0.04, 0.035, 0.002, 0.002, 0.018, 0.07, 0.002, 0.001],
        &[0.985, 0.01, 0.005],
    ],
    [
        &[0.36, 0.04, 0.07, 0.17, 0.14, 0.05, 0.04, 0.04, 0.03, 0.005, 0.02, 0.02],
        &[0.068, 0.136, 0.164, 0.123, 0.089, 0.034, 0.034, 0.01, 0.32, 0.0005, 0.004, 0.01],
        &[0.80, 0.03, 0.10, 0.008, 0.02, 0.01, 0.01, 0.002, 0.003, 0.0005, 0.002, 0.003],
        &[0.82, 0.18],
        &[
            0.001, 0.002, 0.003, 0.003, 0.002, 0.008, 0.02, 0.012, 0.02, 0.15, 0.05, 0.005, 0.02,
            0.01, 0.04, 0.65,
        ],
        &[0.004, 0.01, 0.015, 0.42, 0.42, 0.08, 0.002, 0.002, 0.047],
        &[0.005, 0.005, 0.99],
    ],
    [
        &[0.36, 0.04, 0.07, 0.17, 0.14, 0.05, 0.04, 0.04, 0.03, 0.005, 0.02, 0.02],
        &[0.10, 0.20, 0.24, 0.18, 0.13, 0.05, 0.05, 0.015, 0.0005, 0.0005, 0.02, 0.005],
        &[0.0002, 0.0001, 0.002, 0.0001, 0.0005, 0.0005, 0.002, 0.005, 0.02, 0.96, 0.005, 0.001],
        &[0.97, 0.03],
        &[
            0.03, 0.14, 0.37, 0.21, 0.007, 0.034, 0.09, 0.05, 0.011, 0.002, 0.02, 0.003, 0.002,
            0.014, 0.003, 0.003,
        ],
        &[0.002, 0.03, 0.002, 0.0005, 0.80, 0.06, 0.0005, 0.0005, 0.10],
        &[0.003, 0.004, 0.993],
    ],
    [
        &[0.39, 0.03, 0.08, 0.22, 0.14, 0.04, 0.03, 0.02, 0.015, 0.005, 0.02, 0.02],
        &[0.005, 0.01, 0.02, 0.025, 0.025, 0.07, 0.02, 0.003, 0.40, 0.05, 0.001, 0.366],
        &[0.002, 0.0005, 0.005, 0.0002, 0.004, 0.0007, 0.002, 0.02, 0.25, 0.68, 0.025, 0.01],
        &[0.48, 0.52],
        &[
            0.0003, 0.001, 0.003, 0.003, 0.0001, 0.0003, 0.0006, 0.0006, 0.001, 0.003, 0.027,
            0.003, 0.017, 0.02, 0.03, 0.89,
        ],
        &[0.0005, 0.035, 0.001, 0.0005, 0.87, 0.055, 0.0005, 0.0005, 0.037],
        &[0.001, 0.002, 0.997],
    ],
    [
        &[1e-7, 1e-7, 1e-6, 1e-6, 1e-6, 0.015, 0.005, 0.73, 0.22, 0.03, 2e-5, 1e-5],
        &[5e-5, 2e-4, 1e-3, 3e-3, 1e-2, 0.022, 0.004, 6e-4, 0.14, 0.06, 5e-6, 0.76],
        &[2.1e-3, 0.014, 0.135, 1.1e-3, 0.078, 0.0, 0.0, 0.77, 0.0, 0.0, 0.0, 0.0],
        &[0.5, 0.5],
        &[
            6e-5, 7e-4, 3.5e-3, 3e-3, 2e-5, 2e-4, 1e-3, 8e-4, 1e-3, 1.5e-3, 0.027, 0.003, 0.015,
            0.02, 0.03, 0.89,
        ],
        &[1e-7, 1e-7, 1e-5, 1e-6, 0.77, 0.11, 1e-7, 1e-6, 0.12],
        &[1e-7, 1e-6, 1.0],
    ],
    [
        &[1e-7, 1e-7, 1e-6, 1e-6, 1e-6, 0.015, 0.005, 0.73, 0.22, 0.03, 2e-5, 1e-5],
        &[5e-5, 2e-4, 1e-3, 3e-3, 1e-2, 0.022, 0.004, 6e-4, 0.14, 0.06, 5e-6, 0.76],
        &[0.0, 0.0, 0.0, 0.0, 0.0, 1.5e-4, 2e-3, 0.0, 0.30, 0.64, 0.03, 0.01],
        &[0.5, 0.5],
        &[
            6e-5, 7e-4, 3.5e-3, 3e-3, 2e-5, 2e-4, 1e-3, 8e-4, 1e-3, 1.5e-3, 0.027, 0.003, 0.015,
            0.02, 0.03, 0.89,
        ],
        &[1e-7, 1e-7, 1e-5, 1e-6, 0.77, 0.11, 1e-7, 1e-6, 0.12],
        &[1e-7, 1e-6, 1.0],
    ],
];

/// Pairs for each record: the same person, twins, namesakes, one household.
pub const PEOPLE_RATES: [f64; 4] = [0.45, 0.008, 0.004, 1.6];

/// Share of the pairs of strangers that were born in one year.
pub const PEOPLE_OF_ONE_YEAR: f64 = 0.0142;

/// Offset and slope of the log2 odds, in different houses and in one: a logistic regression of the
/// truth on the odds over populations of `tests/benchmarks/linkage` (docs/linkage.md).
pub const PEOPLE_CALIBRATION: [[f64; 2]; 2] = [[-0.66, 1.06], [-2.0, 1.42]];

/// How each field of each class is learnt. Twins share house and birthday like one person with
/// himself, and namesakes share house and name: those fields follow the first class, so that the
/// few pairs of these classes cannot drift to something else.
pub const PEOPLE_LEARNING: [[Learning; 7]; 4] = [
    [Free(300.0); 7],
    [Like(0), Fixed, Like(0), Fixed, Free(400.0), Fixed, Fixed],
    [Like(0), Like(0), Fixed, Fixed, Like(0), Like(3), Like(3)],
    [Free(300.0); 7],
];

/// [`PEOPLE_LEARNING`] as the training takes it.
pub fn people_learning() -> Vec<Vec<Learning>> {
    PEOPLE_LEARNING.iter().map(|class| class.to_vec()).collect()
}
