"""Texts as points on a line, in the order in which CEL compares them, so that texts can be reasoned about as numbers.

Every text that a condition mentions is a point; every other lies between two points. Between two texts next to each other
(such as "a" and "a" followed by the lowest character) there are points and no texts: the line holds more than there is, so
what is shown for all of it holds for every text. What must never happen here: two texts on one point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from pilothouse.conditions.expression import Call, Expression, Literal, walk

HIGHEST = 0x10FFFF
BETWEEN = ("~", "x", "m", "a", "A", "0", "-", "!", "\x01", "\x00")


def texts_of(node: Expression) -> Iterator[str]:
    """Yield the texts that a condition mentions, and where the texts that begin with one of them end."""
    for each in walk(node):
        if isinstance(each, Literal) and isinstance(each.value, str):
            yield each.value
        if isinstance(each, Call) and each.function == "startsWith":
            start = each.arguments[-1]
            end = after(start.value) if isinstance(start, Literal) and isinstance(start.value, str) else None
            if end is not None:
                yield end


def after(start: str) -> str | None:
    """Return the least text above all that begin with this one, None when every higher text does."""
    kept = start.rstrip(chr(HIGHEST))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if 0xD800 <= following < 0xE000 else following)


class Words:
    """The texts that matter, in order."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted({"", *texts})
        self._places = {text: place for place, text in enumerate(self.texts)}

    def place(self, text: str) -> int:
        """Return the point of a text that matters; raises `KeyError` for another."""
        return self._places[text]

    def text(self, point: Fraction) -> str:
        """Return a text at a point, as readable as its place allows; the same for the same point.

        Of several points between the same two texts the higher has the higher text as long as there is room.
        """
        below = int(point)
        if point == below and 0 <= below < len(self.texts):
            return self.texts[below]
        low = self.texts[min(below, len(self.texts) - 1)]
        high = self.texts[below + 1] if below + 1 < len(self.texts) else None
        tail = f"{float(point - below):.6f}".partition(".")[2].rstrip("0")
        candidates = [start + tail for start in (f"{low}{each}" for each in BETWEEN)]
        return next((each for each in candidates if low < each and (high is None or each < high)), low + "\x00")
