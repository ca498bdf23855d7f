"""The fit of the ranking recovers what makes a sentence right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.query_engine import QueryEngine
from assistant.ranking import FITTED, ranking_tables, relative_scores
from assistant.sentences import featured_sentences, term_weights
from corpus.settings import Settings
from eval.fit_documents import fit_documents
from eval.fit_ranking import Choice, fit


def _choices() -> list[Choice]:
    """The right one of five is mostly that with the highest cosine; other features are noise."""
    rng = np.random.default_rng(1)
    choices = []
    for n in range(200):
        features = rng.normal(size=(5, len(FITTED)))
        scores = 3 * features[:, FITTED.index("cosine")] + rng.gumbel(size=5)
        choices.append(Choice(str(n), "en", features, np.arange(5) == scores.argmax()))
    return choices


def test_the_feature_that_decides_has_the_weight() -> None:
    weights = dict(zip(FITTED, fit(_choices(), {}), strict=True))
    assert 1.5 < weights.pop("cosine") < 4
    assert max(map(abs, weights.values())) < 0.5


def test_what_is_held_keeps_its_value() -> None:
    weights = dict(zip(FITTED, fit(_choices(), {"own": 2.5}), strict=True))
    assert weights["own"] == 2.5


def test_a_strong_ridge_keeps_what_was_known_before() -> None:
    prior = dict.fromkeys(FITTED, 0.7)
    weights = fit(_choices(), {}, FITTED, prior, ridge=100)
    assert np.abs(weights - 0.7).max() < 0.02
    drawn = dict(zip(FITTED, fit(_choices(), {}, FITTED, prior, ridge=0.001), strict=True))
    assert drawn["cosine"] > 1.5


def test_documents_draw_the_coefficients_on(real_settings: Settings, tmp_path: Path) -> None:
    questions = {
        "How many gardens have cameras?": ("210", "counts wild bees with cameras"),
        "Where was it founded?": ("Ghent", "founded in Ghent"),
        "How many households were reached?": ("18 300", "reached 18 300 households"),
        "Who leads the programme?": ("Harbour Office", "led by the Harbour Office"),
    }
    lines = [
        {"id": str(n), "question": question, "answer_facts": [fact], "evidence": evidence}
        for n, (question, (fact, evidence)) in enumerate(questions.items())
    ]
    cases = tmp_path / "cases.jsonl"
    cases.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    found = fit_documents([[real_settings.index, cases]], real_settings, lambda *_: None)
    assert found["questions"] == 4
    assert found["right_first"]["before"] >= 0.5
    assert set(FITTED) <= set(found["in_documents"])
    assert found["in_documents"] != {
        name: ranking_tables()["same_language"].get(name) for name in found["in_documents"]
    }


def test_what_all_sentences_have_alike_changes_no_score(engine: QueryEngine) -> None:
    """Else the language whose coefficients are greater would always come first."""
    query = engine.retriever.query("How many gardens have cameras?")
    generation = engine.retriever.generation
    weights = term_weights(query, generation)
    hits = engine.retriever.search(query)
    found = featured_sentences(query, hits, generation, weights)
    more = [
        replace(one, features={name: value + 3 for name, value in one.features.items()})
        for one in found
        if one.features.keys() == found[0].features.keys()
    ]
    kept = [one for one in found if one.features.keys() == found[0].features.keys()]
    assert len(kept) > 5
    assert np.allclose(relative_scores(kept, "fr"), relative_scores(more, "fr"))
