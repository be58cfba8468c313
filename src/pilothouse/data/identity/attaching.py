"""Records that a source was asked for on account of another: they are not compared, they go where that other goes.

So does a record that went into another of its system: it tells nothing any longer, and its name leads to the same entity.

What people said stands above it. A word about such a record counts as a word about the one it was asked for; where that
would contradict what else was said, the record is compared like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Named = tuple[str, str]
"""The names of two records."""


def standing(asked: Mapping[str, str], same: Iterable[Named], different: Iterable[Named]) -> dict[str, str]:
    """Return, of the records asked for (by name, with the one each was asked for), those that go with that one."""
    home: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := home.get(name, name)) != name:
            name = above
        return name

    for one, other in same:
        home[root(one)] = root(other)
    apart = {frozenset((root(one), root(other))) for one, other in different}
    kept: dict[str, str] = {}
    for name, to in sorted(asked.items()):
        ends = frozenset((root(name), root(to)))
        if name != to and to not in asked and ends not in apart:
            kept[name] = to
            # From here on the two are one, so that the next is held against both.
            gone = root(name)
            home[gone] = root(to)
            if any(gone in pair for pair in apart):
                apart = {frozenset(map(root, pair)) for pair in apart}
    return kept


def going_with(asked: Mapping[str, str], merged: Mapping[str, str]) -> dict[str, str]:
    """Return what goes with what, by name; `merged` are the records that went into another, with where they ended."""
    return {name: merged.get(to, to) for name, to in asked.items()} | dict(merged)


def words_for(asked: Mapping[str, str], words: Iterable[Named]) -> set[Named]:
    """Return words about records with those about a record that was asked for said of the one it goes with."""
    told = ((asked.get(one, one), asked.get(other, other)) for one, other in words)
    return {(one, other) for one, other in told if one != other}


def with_attached(groups: Iterable[list[str]], asked: Mapping[str, str], alone: Iterable[str]) -> list[list[str]]:
    """Return groups with each record that goes with a member; one whose other is nowhere told of stands by itself.

    `alone` are the records to be placed although no group has the one they were asked for.
    """
    following: dict[str, list[str]] = {}
    for name, to in sorted(asked.items()):
        following.setdefault(to, []).append(name)
    found = [[*group, *(each for name in group for each in following.get(name, ()))] for group in groups]
    placed = {name for group in found for name in group}
    return [*found, *([name] for name in sorted(set(alone) - placed))]
