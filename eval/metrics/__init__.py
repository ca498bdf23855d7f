"""The metrics of a run, one row each: what is measured on a turn, and what on many together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.errors import UsageError
from eval.metrics import abstention, citations, evidence, facts, overlap
from eval.records import Record

# A metric of one turn; None where it does not apply to that turn.
TurnMetric = Callable[[Record], float | None]
# A metric that only many turns have together; None where it is not defined for them.
PooledMetric = Callable[[Sequence[Record]], float | None]


@dataclass(frozen=True)
class Metric:
    """A row: its name in reports, and how it is measured, by turn or pooled.

    ``headline`` metrics stand in the table that a run prints.
    """

    name: str
    of_turn: TurnMetric | None = None
    pooled: PooledMetric | None = None
    headline: bool = False


METRICS = (
    Metric("all facts", of_turn=facts.all_facts, headline=True),
    Metric("fact recall", of_turn=facts.mean_fact_recall),
    Metric("facts in first sentence", of_turn=facts.facts_in_first_sentence, headline=True),
    Metric("quotes of use", pooled=facts.quotes_of_use),
    Metric("nothing forbidden", of_turn=facts.nothing_forbidden),
    Metric("exact match", of_turn=overlap.exact_match),
    Metric("token F1", of_turn=overlap.token_f1),
    Metric("evidence recall@1", of_turn=lambda record: evidence.recall_at(1, record)),
    Metric("evidence recall@5", of_turn=lambda record: evidence.recall_at(5, record)),
    Metric("evidence recall@10", of_turn=lambda record: evidence.recall_at(10, record)),
    Metric("document accuracy", of_turn=citations.document_accuracy),
    Metric("page accuracy", of_turn=citations.page_accuracy),
    Metric("citation validity", of_turn=citations.validity, headline=True),
    Metric("citation recall", of_turn=citations.recall),
    Metric("citation precision", of_turn=citations.precision),
    Metric("answered", of_turn=abstention.answered),
    Metric("abstention precision", pooled=abstention.precision),
    Metric("abstention recall", pooled=abstention.recall),
    Metric("abstention F1", pooled=abstention.f1, headline=True),
    Metric("AUROC of confidence", pooled=abstention.auroc, headline=True),
    Metric("area under risk-coverage", pooled=abstention.area_under_risk_coverage),
)


def named_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """Return these names, or those of all metrics where none is given.

    Raises UsageError for a name that no metric has.
    """
    known = [metric.name for metric in METRICS]
    for name in names:
        if name not in known:
            raise UsageError(f"Unknown metric {name!r}. Known: {', '.join(known)}.")
    return tuple(names or known)
