"""What is said about approvals of a batch that count as no evidence, on every surface alike: each sentence once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def each_once(sentences: Sequence[str]) -> list[str]:
    """Return each sentence with the number of rows it is about; empty sentences, of rows that count, are left out."""
    counts = Counter(each for each in sentences if each)
    return [f"{count} of {len(sentences)}: {said}" for said, count in counts.items()]
