"""What each metric of an own suite reports, as gates name it."""

from tunewright.spec.record import record


@record
class MetricFacts:
    """`reports`: the numbers that come out; `share`: they go from 0 to 1."""

    reports: tuple[str, ...]
    share: bool = True


#: Among how many of the nearest texts the right one is looked for.
RECALLED = (1, 5, 10)

METRICS = {
    "exact": MetricFacts(("exact", "exact_stderr")),
    "json_schema": MetricFacts(("json_schema", "json_schema_stderr", "json_valid")),
    "json_match": MetricFacts(("json_match", "json_match_stderr", "json_valid", "field_accuracy", "json_schema")),
    "multiple_choice": MetricFacts(("accuracy", "accuracy_stderr", "accuracy_normalized")),
    "regex": MetricFacts(("regex", "regex_stderr")),
    "accuracy": MetricFacts(("accuracy", "accuracy_stderr", "macro_f1")),
    "retrieval": MetricFacts(
        ("mrr", "mrr_stderr", *(name for k in RECALLED for name in (f"recall_at_{k}", f"recall_at_{k}_stderr")))
    ),
    "bleu": MetricFacts(("bleu",), share=False),
    "rouge": MetricFacts(("rouge1", "rouge2", "rougeL")),
    "bertscore": MetricFacts(("bertscore",)),
    "judge": MetricFacts(("judge",)),
}

#: What models that do not write answer with -> the metrics that can tell how good the answer is.
MEASURED_BY = {"label": ("accuracy",), "vector": ("retrieval",)}
