//! The `OpenMetrics` text form, version 1.0.0.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::metrics::{BOUNDS, Gauge, Histogram, Labels};

/// A page that is being written. Writing to a text cannot fail.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        values: Option<&BTreeMap<Labels, u64>>,
    ) {
        self.head(name, "counter", help);
        for (labels, value) in values.into_iter().flatten() {
            let labels = braces(labels, None);
            let _ok = writeln!(self.0, "{name}_total{labels} {value}");
        }
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        values: Option<&BTreeMap<Labels, Histogram>>,
    ) {
        self.head(name, "histogram", help);
        for (labels, histogram) in values.into_iter().flatten() {
            let mut count = 0;
            let bounds = BOUNDS.iter().map(|it| format!("{it:?}"));
            let bounds = bounds.chain(["+Inf".to_owned()]);
            for (bound, inside) in bounds.zip(histogram.buckets) {
                count += inside;
                let labels = braces(labels, Some(&bound));
                let _ok = writeln!(self.0, "{name}_bucket{labels} {count}");
            }
            let labels = braces(labels, None);
            let _ok = writeln!(self.0, "{name}_count{labels} {count}");
            let _ok = writeln!(self.0, "{name}_sum{labels} {:?}", histogram.sum);
        }
    }

    pub(super) fn gauge(&mut self, gauge: &Gauge) {
        self.head(gauge.name, "gauge", gauge.help);
        for (labels, value) in &gauge.values {
            let labels = braces(labels, None);
            let _ok = writeln!(self.0, "{}{labels} {value:?}", gauge.name);
        }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ok = writeln!(self.0, "# TYPE {name} {kind}");
        if let Some(unit) = ["seconds", "bytes"]
            .into_iter()
            .find(|it| name.ends_with(it))
        {
            let _ok = writeln!(self.0, "# UNIT {name} {unit}");
        }
        let _ok = writeln!(self.0, "# HELP {name} {}", escaped(help));
    }
}

fn braces(labels: &[(&'static str, String)], bound: Option<&str>) -> String {
    let mut parts: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    parts.extend(bound.map(|it| format!("le=\"{it}\"")));
    if parts.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", parts.join(","))
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    #[test]
    fn a_page_has_the_form_of_the_standard() {
        let metrics = Metrics::new(1_500_000);
        let labels = [("kind", "a\"b\\c\nd"), ("outcome", "stored")];
        metrics.count("towpath_commits", &labels);
        let took = std::time::Duration::from_millis(1_500);
        metrics.took("towpath_append_seconds", &[("kind", "slot")], took);
        let text = metrics.render(&[Gauge::one("towpath_log_position", "Where it ends.", 7.0)]);
        for line in [
            "# TYPE towpath_commits counter",
            "towpath_commits_total{kind=\"a\\\"b\\\\c\\nd\",outcome=\"stored\"} 1",
            "# UNIT towpath_append_seconds seconds",
            "towpath_append_seconds_bucket{kind=\"slot\",le=\"1.0\"} 0",
            "towpath_append_seconds_bucket{kind=\"slot\",le=\"2.0\"} 1",
            "towpath_append_seconds_bucket{kind=\"slot\",le=\"+Inf\"} 1",
            "towpath_append_seconds_count{kind=\"slot\"} 1",
            "towpath_append_seconds_sum{kind=\"slot\"} 1.5",
            "towpath_log_position 7.0",
            "process_start_time_seconds 1.5",
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
