"""Reads OpenMetrics text on standard input with the strict parser of prometheus-client, and prints
the names of what it found, sorted. Ends with an error when the text has not the form."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

for name in sorted(it.name for it in text_string_to_metric_families(sys.stdin.read())):
    print(name)
