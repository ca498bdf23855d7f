"""Does a text hold the facts that a case asks for?"""

from __future__ import annotations

import re

from corpus.text import fold


def holds_fact(text: str, fact: str) -> bool:
    """Tell whether a text holds a fact, given as alternatives between ``|``.

    Both are folded first. An alternative that starts or ends with a digit must not touch
    another digit, so that 50 is not found in 650.
    """
    folded = fold(text)
    return any(_holds(folded, fold(alternative)) for alternative in fact.split("|"))


def _holds(folded: str, alternative: str) -> bool:
    if not alternative:
        return False
    before = r"(?<!\d)" if alternative[0].isdigit() else ""
    after = r"(?!\d)" if alternative[-1].isdigit() else ""
    return re.search(before + re.escape(alternative) + after, folded) is not None
