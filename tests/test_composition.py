"""From scored sentences to a verified answer: whole quotes, marked cuts, limits kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.answer import Hit, Says
from assistant.compose import MAX_SENTENCES, MAX_WORDS, Draft, compose_fact, without_brackets
from assistant.scored import ScoredSentence
from assistant.verify import verify
from corpus.documents import Document, Page, Passage, Sentence, Span
from corpus.text import fold_space

DOCUMENT = Document("d", "Title", "d.txt", "0", "en", edition="2025", paged=False)


class Pages:
    """The pages of one document, as the records of an index give them."""

    def __init__(self, *texts: str) -> None:
        self._pages = [Page("d", number, None, text) for number, text in enumerate(texts, 1)]

    def page(self, document_id: str, number: int) -> Page | None:
        return self._pages[number - 1] if number <= len(self._pages) else None


def _scored(sentence: Sentence, answer: tuple[int, int] | None = None) -> ScoredSentence:
    passage = Passage("p", "d", 1, 1, ("1 Section",), 0, 1, "")
    hit = Hit(passage, DOCUMENT, 0, 1.0, 1.0, ("dense",))
    return ScoredSentence(
        sentence=sentence, hit=hit, row=0, rows=(0,), score=1.0, logit=9.0, contradicts=-9.0,
        answer=answer, features={},
    )  # fmt: skip


def _laid_out(texts: list[str], kind: str = "sentence") -> tuple[Pages, list[Sentence]]:
    """Return a page with these texts, one a line, and the sentences on it."""
    sentences, place = [], 0
    for text in texts:
        sentences.append(Sentence(text, (Span(1, place, place + len(text)),), kind))
        place += len(text) + 1
    return Pages("\n".join(texts)), sentences


_WORDS = st.lists(
    st.sampled_from(["beacon", "[3]", "lamp,", "of", "…", "2024", "灯塔", "it."]), min_size=1
)


@given(st.lists(_WORDS.map(" ".join), min_size=1, max_size=6), st.booleans())
def test_quotes_keep_the_limits_and_stand_in_their_pages(texts: list[str], listed: bool) -> None:
    pages, sentences = _laid_out(texts, "item" if listed else "sentence")
    draft = compose_fact([_scored(sentence) for sentence in sentences])
    verified = verify(draft, pages)
    assert len(verified.quotes) == len(draft.statements) <= MAX_SENTENCES
    assert sum(len(quote.text.split()) for quote in verified.quotes) <= MAX_WORDS
    assert draft.more + len(draft.statements) == len(sentences)
    for citation in verified.citations:
        page = pages.page("d", 1)
        assert page is not None
        assert citation.quote == page.text[citation.start : citation.end]
        assert citation.edition == "2025"


def test_a_statement_that_its_page_does_not_hold_is_left_out() -> None:
    pages, sentences = _laid_out(["The lamp was lit in 1931.", "It has 42 mirrors."])
    draft = compose_fact([_scored(sentence) for sentence in sentences])
    altered = [verify(Draft([statement]), Pages("x" * 60)) for statement in draft.statements]
    assert [found.text for found in altered] == ["", ""]
    assert verify(draft, pages).text == "The lamp was lit in 1931. [1] It has 42 mirrors. [2]"


def test_a_sentence_that_is_too_long_is_cut_around_what_answers() -> None:
    clauses = [f"in place {n} the gauge number {n} was read by hand every day" for n in range(40)]
    clauses[30] = "the lamp was replaced by Ada"
    text = ", ".join(clauses) + "."
    place = text.index("Ada")
    pages, sentences = _laid_out([text])
    draft = compose_fact([_scored(sentences[0], (place, place + 3))])
    verified = verify(draft, pages)
    quote = verified.quotes[0]
    assert "the lamp was replaced by Ada" in quote.text
    assert len(quote.text.split()) <= MAX_WORDS
    assert quote.text.startswith("… ")
    assert quote.answer is not None
    assert quote.text[slice(*quote.answer)] == "Ada"
    assert verified.citations[0].quote == text


def test_a_sentence_over_two_pages_has_a_citation_for_each() -> None:
    sentence = Sentence("It was lit in 1931.", (Span(1, 0, 6), Span(2, 0, 12)))
    verified = verify(compose_fact([_scored(sentence)]), Pages("It was", "lit in 1931."))
    assert verified.text == "It was lit in 1931. [1] [2]"
    assert [citation.page for citation in verified.citations] == [None, None]
    assert [citation.quote for citation in verified.citations] == ["It was", "lit in 1931."]


def test_a_documents_own_brackets_are_no_markers() -> None:
    assert without_brackets("As shown in [12], it rose [3].") == "As shown in …, it rose …."
    pages, sentences = _laid_out(["As shown in [12], it rose [3]."])
    verified = verify(compose_fact([_scored(sentences[0])]), pages)
    assert verified.text == "As shown in …, it rose …. [1]"
    assert verified.citations[0].quote == "As shown in [12], it rose [3]."


def test_a_correction_says_that_it_contradicts() -> None:
    pages, sentences = _laid_out(["It measures 64 summits."])
    verified = verify(compose_fact([_scored(sentences[0])], Says.CONTRADICTS), pages)
    assert verified.quotes[0].says is Says.CONTRADICTS


@given(st.text())
def test_white_space_in_a_quote_is_folded(text: str) -> None:
    folded = fold_space(text)
    if not folded:
        return
    sentence = Sentence(text, (Span(1, 0, len(text)),))
    verified = verify(compose_fact([_scored(sentence)]), Pages(text))
    assert [quote.text for quote in verified.quotes] in ([], [without_brackets(folded)])
