"""Public benchmarks: the name users write, the task name of lm-evaluation-harness 0.4.x, what it asks for."""

from tunewright.spec.record import record


@record
class Benchmark:
    """One row: task name in the harness, and the metrics it reports."""

    task: str
    metrics: tuple[str, ...] = ("accuracy",)


BENCHMARKS = {
    "mmlu": Benchmark("mmlu"),
    "ceval": Benchmark("ceval-valid"),
    "cmmlu": Benchmark("cmmlu"),
    "gsm8k": Benchmark("gsm8k"),
    "bbh": Benchmark("bbh"),
    "arc_easy": Benchmark("arc_easy"),
    "arc_challenge": Benchmark("arc_challenge"),
    "hellaswag": Benchmark("hellaswag"),
    "winogrande": Benchmark("winogrande"),
    "truthfulqa": Benchmark("truthfulqa_mc2"),
    "math": Benchmark("hendrycks_math"),
    "mmmu": Benchmark("mmmu_val"),
}
