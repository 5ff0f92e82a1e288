"""What each metric of an own suite reports, as gates name it."""

from tunewright.spec.record import record


@record
class MetricFacts:
    """`reports`: the numbers that come out; `share`: they go from 0 to 1."""

    reports: tuple[str, ...]
    share: bool = True


METRICS = {
    "exact": MetricFacts(("exact", "exact_stderr")),
    "json_schema": MetricFacts(("json_schema", "json_schema_stderr", "json_valid")),
    "json_match": MetricFacts(("json_match", "json_match_stderr", "json_valid", "field_accuracy", "json_schema")),
    "multiple_choice": MetricFacts(("accuracy", "accuracy_stderr", "accuracy_normalized")),
    "regex": MetricFacts(("regex", "regex_stderr")),
    "accuracy": MetricFacts(("accuracy", "accuracy_stderr")),
    "bleu": MetricFacts(("bleu",), share=False),
    "rouge": MetricFacts(("rouge1", "rouge2", "rougeL")),
    "bertscore": MetricFacts(("bertscore",)),
    "judge": MetricFacts(("judge",)),
}
