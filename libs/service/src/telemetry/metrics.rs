//! Counters and histograms of this process, by name and labels.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::text;

/// What is measured: name, what it means.
const COUNTERS: &[(&str, &str)] = &[
    (
        "towpath_commits",
        "Appends to the log, by what became of them.",
    ),
    (
        "towpath_effects",
        "Effects performed, by role and outcome; a failed one is tried again.",
    ),
    ("towpath_requests", "Calls answered, by method and status."),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    (
        "towpath_append_seconds",
        "Time until an append was answered.",
    ),
    (
        "towpath_command_seconds",
        "Time until a command was decided and stored, or refused.",
    ),
    (
        "towpath_effect_seconds",
        "Time that one try of an effect took.",
    ),
    (
        "towpath_request_seconds",
        "Time until a call was answered to its end.",
    ),
];

/// Upper bounds of the buckets, in seconds.
pub(super) const BOUNDS: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// Sets of labels per name; what comes beyond is not counted.
const MOST_SERIES: usize = 2_000;

/// Labels in order, by name.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A value that is looked up when somebody asks.
#[derive(Debug, Clone)]
pub struct Gauge {
    /// The metric's name, with its unit.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// One value per set of labels.
    pub values: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl Gauge {
    /// A gauge without labels.
    pub fn one(name: &'static str, help: &'static str, value: f64) -> Self {
        Self {
            name,
            help,
            values: vec![(Vec::new(), value)],
        }
    }
}

/// One histogram.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    /// How many were in each bucket; the last one has no bound.
    pub(super) buckets: [u64; BOUNDS.len() + 1],
    pub(super) sum: f64,
}

/// Everything counted.
#[derive(Debug)]
pub struct Metrics {
    started_at_us: i64,
    counters: Mutex<BTreeMap<&'static str, BTreeMap<Labels, u64>>>,
    histograms: Mutex<BTreeMap<&'static str, BTreeMap<Labels, Histogram>>>,
}

impl Metrics {
    /// Nothing was counted yet.
    pub fn new(started_at_us: i64) -> Self {
        Self {
            started_at_us,
            counters: Mutex::default(),
            histograms: Mutex::default(),
        }
    }

    /// Counts one. A name that is not in the table is not counted.
    pub fn count(&self, name: &'static str, labels: &[(&'static str, &str)]) {
        debug_assert!(COUNTERS.iter().any(|it| it.0 == name), "{name}");
        let mut all = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = series(all.entry(name).or_default(), labels) {
            *count += 1;
        }
    }

    /// Notes how long something took.
    pub fn took(&self, name: &'static str, labels: &[(&'static str, &str)], took: Duration) {
        debug_assert!(HISTOGRAMS.iter().any(|it| it.0 == name), "{name}");
        let seconds = took.as_secs_f64();
        let mut all = self
            .histograms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = series(all.entry(name).or_default(), labels) {
            let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
            histogram.buckets[bucket.unwrap_or(BOUNDS.len())] += 1;
            histogram.sum += seconds;
        }
    }

    /// Everything as `OpenMetrics` text, with values that were looked up just now.
    pub fn render(&self, gauges: &[Gauge]) -> String {
        let mut page = text::Page::default();
        {
            let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, help) in COUNTERS {
                page.counter(name, help, counters.get(name));
            }
        }
        {
            let histograms = self
                .histograms
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for (name, help) in HISTOGRAMS {
                page.histogram(name, help, histograms.get(name));
            }
        }
        for gauge in gauges {
            page.gauge(gauge);
        }
        for gauge in self.process() {
            page.gauge(&gauge);
        }
        page.end()
    }

    fn process(&self) -> Vec<Gauge> {
        #[expect(clippy::cast_precision_loss, reason = "a clock reading has 51 bits")]
        let started = self.started_at_us as f64 / 1e6;
        let mut all = vec![Gauge::one(
            "process_start_time_seconds",
            "When this process began, in seconds since 1970 UTC.",
            started,
        )];
        all.extend(resident_bytes().map(|bytes| {
            Gauge::one(
                "process_resident_memory_bytes",
                "Memory of this process that is not swapped out.",
                bytes,
            )
        }));
        all
    }
}

/// The series with these labels, unless there are too many already.
fn series<'a, T: Default>(
    all: &'a mut BTreeMap<Labels, T>,
    labels: &[(&'static str, &str)],
) -> Option<&'a mut T> {
    let labels: Labels = labels
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    if all.len() >= MOST_SERIES && !all.contains_key(&labels) {
        return None;
    }
    Some(all.entry(labels).or_default())
}

/// From `/proc`; nothing where there is none.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kilobytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kilobytes) * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_series_is_bounded() {
        let metrics = Metrics::new(0);
        for n in 0..MOST_SERIES + 10 {
            metrics.count("towpath_requests", &[("method", &n.to_string())]);
        }
        let text = metrics.render(&[]);
        assert_eq!(text.matches("towpath_requests_total").count(), MOST_SERIES);
    }
}
