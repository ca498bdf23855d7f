"""Each metric against examples worked by hand and, where there is one, another implementation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from eval.cases import Turn
from eval.intervals import interval_of, interval_of_mean
from eval.invariants import sentences_with_markers
from eval.latency import percentile
from eval.metrics import METRICS, abstention, citations, evidence, facts, overlap
from eval.records import Record
from eval.summary import estimate

PAGE = "It rained on 50 islands. Nobody came from abroad. The band of four went home early."
SENTENCES = ("It rained on 50 islands.", "Nobody came from abroad.", "The band of four went home.")


def _record(
    text: str = "",
    *quotes: str,
    expected: Turn | None = None,
    confidence: float = 0.5,
    ranks: tuple[int | None, ...] = (),
    document: str = "d",
    page: int = 1,
    broken: tuple[str, ...] = (),
) -> Record:
    cited: list[dict[str, Any]] = [
        {"marker": n, "document_id": document, "page": page, "quote": quote}
        for n, quote in enumerate(quotes, 1)
    ]
    answer = {
        "status": "answered" if text else "not_in_documents",
        "text": text,
        "quotes": [{"text": part} for part, _ in sentences_with_markers(text)],
        "notice": "",
        "confidence": confidence,
        "citations": cited,
    }
    return Record("c", 1, "number", "en", expected or Turn("Q?"), answer, ranks, broken)


def test_a_fact_counts_where_a_sentence_states_it_and_its_quote_holds_it() -> None:
    expected = Turn("Q?", ("50", "four|4"))
    both = _record(f"{SENTENCES[0]} [1] {SENTENCES[2]} [2]", *SENTENCES[::2], expected=expected)
    assert (facts.mean_fact_recall(both), facts.all_facts(both)) == (1, 1)
    assert facts.facts_in_first_sentence(both) == 0
    half = _record(f"{SENTENCES[0]} [1]", SENTENCES[0], expected=expected)
    assert (facts.mean_fact_recall(half), facts.all_facts(half)) == (0.5, 0)
    invented = _record("It rained on 50 islands. [1]", "It rained.", expected=expected)
    assert facts.mean_fact_recall(invented) == 0
    uncited = _record("It rained on 50 islands.", expected=expected)
    assert facts.mean_fact_recall(uncited) == 0
    assert facts.all_facts(_record("x [1]", "x")) is None


def test_facts_beyond_the_limit_of_words_do_not_count() -> None:
    long = "word " * 150 + "50"
    assert facts.all_facts(_record(f"{long} [1]", long, expected=Turn("Q?", ("50",)))) == 0


def test_overlap_with_a_reference() -> None:
    expected = Turn("Q?", answer="The band of four")
    same = _record("band of four! [1]", "band of four!", expected=expected)
    assert (overlap.exact_match(same), overlap.token_f1(same)) == (1, 1)
    # Answer {band, went, home}, reference {band, of, four}: P = 1/3, R = 1/3, F1 = 1/3.
    part = _record("The band went home. [1]", "x", expected=expected)
    assert overlap.exact_match(part) == 0
    assert overlap.token_f1(part) == pytest.approx(1 / 3)
    assert overlap.token_f1(_record("", expected=expected)) == 0
    assert overlap.token_f1(_record("x")) is None


def test_evidence_recall_counts_evidence_by_its_rank() -> None:
    record = _record(ranks=(1, 4, None))
    assert evidence.recall_at(1, record) == pytest.approx(1 / 3)
    assert evidence.recall_at(5, record) == pytest.approx(2 / 3)
    assert evidence.recall_at(5, _record()) is None


def test_the_first_citation_names_document_and_page() -> None:
    expected = Turn("Q?", document="d", page=2)
    right = _record("x [1]", "x", expected=expected, page=2)
    assert (citations.document_accuracy(right), citations.page_accuracy(right)) == (1, 1)
    other_page = _record("x [1]", "x", expected=expected, page=3)
    assert (citations.document_accuracy(other_page), citations.page_accuracy(other_page)) == (1, 0)
    other = _record("x [1]", "x", expected=expected, document="e", page=2)
    assert (citations.document_accuracy(other), citations.page_accuracy(other)) == (0, 0)
    assert citations.document_accuracy(_record(expected=expected)) is None


def test_citation_recall_and_precision() -> None:
    # The first sentence is supported by its one quote; the second by neither of its two.
    record = _record(
        f"{SENTENCES[0]} [1] Nobody came by boat. [2] [3]", SENTENCES[0], "Nobody came.", "A boat."
    )
    assert citations.recall(record) == 0.5
    assert citations.precision(record) == pytest.approx(1 / 3)
    # Two quotes that support only together are both needed; a third one is idle.
    together = _record("Nobody came by boat. [1] [2] [3]", "Nobody came.", "By boat.", "It rained.")
    assert citations.recall(together) == 1
    assert citations.precision(together) == pytest.approx(2 / 3)
    assert citations.validity(_record("x [1]", "x")) == 1
    assert citations.validity(_record("x [1]", "x", broken=("1: …",))) == 0
    assert citations.validity(_record()) is None


ANSWERABLE = Turn("Q?", ("50",))


def _mixed() -> list[Record]:
    """Two right answers, one right and one false refusal, one invented answer."""
    right = f"{SENTENCES[0]} [1]"
    return [
        _record(right, SENTENCES[0], expected=ANSWERABLE, confidence=0.9),
        _record(right, SENTENCES[0], expected=ANSWERABLE, confidence=0.8),
        _record("", expected=ANSWERABLE, confidence=0.2),
        _record("", confidence=0.1),
        _record(right, SENTENCES[0], confidence=0.8),
    ]


def test_abstention_precision_recall_and_f1() -> None:
    # Refused: two, one of them rightly. Unanswerable: two, one of them refused.
    records = _mixed()
    assert abstention.precision(records) == 0.5
    assert abstention.recall(records) == 0.5
    assert abstention.f1(records) == 0.5
    assert abstention.precision(records[:2]) is None
    assert abstention.recall(records[:3]) is None


def test_auroc_counts_the_pairs_in_the_right_order() -> None:
    # Pairs of .9, .8, .2 with .1, .8: 2 + 1.5 + 1 = 4.5 of 6.
    assert abstention.auroc(_mixed()) == pytest.approx(4.5 / 6)
    assert abstention.auroc(_mixed()[:3]) is None


@given(
    st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.7]), min_size=1, max_size=12),
    st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.7]), min_size=1, max_size=12),
)
def test_auroc_agrees_with_scikit_learn(yes: list[float], no: list[float]) -> None:
    records = [_record(expected=ANSWERABLE, confidence=c) for c in yes]
    records += [_record(confidence=c) for c in no]
    expected = roc_auc_score([1] * len(yes) + [0] * len(no), [*yes, *no])
    assert abstention.auroc(records) == pytest.approx(expected)


def test_the_risk_coverage_curve_and_its_area() -> None:
    # By confidence: .9 right; .8 one right, one invented; .2 a false refusal; .1 rightly refused.
    points = abstention.risk_coverage(_mixed())
    assert [coverage for coverage, _ in points] == pytest.approx([0.2, 0.6, 0.8, 1.0])
    assert [risk for _, risk in points] == pytest.approx([0, 1 / 3, 0.5, 0.4])
    # .2 * 0 + .4 * 1/3 + .2 * .5 + .2 * .4
    area = abstention.area_under_risk_coverage(_mixed())
    assert area == pytest.approx(0.4 / 3 + 0.1 + 0.08)
    assert abstention.area_under_risk_coverage([]) is None


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [percentile([15, 20, 35, 40, 50], p) for p in (5, 30, 40, 50, 99)] == [
        15,
        20,
        20,
        35,
        50,
    ]


def test_an_interval_resamples_clusters() -> None:
    # Ten turns of one document, ten of another: drawing documents gives 0, .5 or 1.
    values = np.array([0.0] * 10 + [1.0] * 10)
    assert interval_of_mean(["a"] * 10 + ["b"] * 10, values) == (0, 1)
    # Twenty documents: the standard error is .5 / sqrt(20), 1.96 of which is .22.
    low, high = interval_of_mean([str(n) for n in range(20)], values)
    assert 0.2 < low < 0.4
    assert 0.6 < high < 0.8
    assert interval_of_mean(["a"], np.array([1.0])) == (1, 1)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 1)), min_size=1, max_size=30))
def test_both_ways_to_an_interval_agree(rows: list[tuple[str, float]]) -> None:
    names, values = [name for name, _ in rows], np.array([value for _, value in rows])
    means = interval_of(names, lambda drawn: float(values[drawn].mean()))
    assert means == pytest.approx(interval_of_mean(names, values))


def _figures(records: list[Record]) -> dict[str, float]:
    found = {metric.name: estimate(metric, records) for metric in METRICS}
    return {name: figure.value for name, figure in found.items() if figure}


def _system(
    answers: list[tuple[str, list[str], float]], broken: tuple[str, ...] = ()
) -> list[Record]:
    """Answer two answerable questions and one that is not."""
    expected = [
        Turn("How many islands?", ("50",), ("on 50 islands",), "50 islands", "d", 1),
        Turn(
            "How many players?",
            ("four|4",),
            ("band of four",),
            "four players",
            "d",
            1,
            must_not=("nobody",),
        ),
        Turn("Who paid?"),
    ]
    return [
        _record(text, *quotes, expected=turn, confidence=confidence, broken=broken,
                ranks=(1,) * len(turn.evidence))
        for turn, (text, quotes, confidence) in zip(expected, answers, strict=True)
    ]  # fmt: skip


PERFECT = _system(
    [
        ("50 islands [1]", ["50 islands"], 0.9),
        ("four players [1]", ["four players"], 0.8),
        ("", [], 0.1),
    ]
)
SILENT = _system([("", [], 0.0)] * 3)
PASTER = _system([(f"{PAGE} " * 12 + "[1]", [PAGE * 12], 0.9)] * 3, broken=("2: 192 words",))
PARROT = _system([(f"{SENTENCES[0]} [1]", [SENTENCES[0]], 0.9)] * 3)


def test_a_quote_is_of_use_that_overlaps_the_evidence_or_holds_a_fact() -> None:
    turn = Turn("How many islands?", ("50",), ("rained on 50 islands",))
    text = "It rained on 50 islands. [1] They are 50. [2] Nobody came. [3]"
    record = _record(text, "a", "b", "c", expected=turn)
    assert facts.quotes_of_use([record, _record("Nobody paid. [1]", "d")]) == pytest.approx(2 / 3)
    assert facts.quotes_of_use([]) is None


def test_a_perfect_system_scores_one() -> None:
    figures = _figures(PERFECT)
    assert figures.pop("area under risk-coverage") == 0
    assert figures.pop("answered") == pytest.approx(2 / 3, abs=1e-4)
    assert set(figures.values()) == {1.0}
    assert len(figures) == len(METRICS) - 2


def test_a_silent_system_is_exposed() -> None:
    figures = _figures(SILENT)
    assert figures["all facts"] == figures["answered"] == 0
    assert figures["abstention precision"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["AUROC of confidence"] == 0.5
    assert "citation validity" not in figures


def test_a_system_that_pastes_whole_pages_is_exposed() -> None:
    figures = _figures(PASTER)
    assert figures["citation validity"] == 0
    assert figures["facts in first sentence"] == 1  # so it is other figures that must tell
    assert figures["token F1"] < 0.1
    assert figures["abstention F1"] == 0


def test_a_system_that_always_says_the_same_is_exposed() -> None:
    figures = _figures(PARROT)
    assert figures["all facts"] == 0.5
    assert figures["abstention recall"] == 0
    assert figures["AUROC of confidence"] == 0.5
    assert math.isclose(figures["area under risk-coverage"], 2 / 3, abs_tol=1e-4)
