"""The Merkle tree of RFC 6962 section 2.1, as a frontier that grows leaf by leaf, and inclusion proofs over it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees of a growing tree, largest first; their sizes are the bits of `size`."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        size, roots, sha = self.size, self._roots, hashlib.sha256
        while size & 1:
            leaf = sha(b"\x01" + roots.pop() + leaf).digest()
            size >>= 1
        roots.append(leaf)
        self.size += 1

    def copy(self) -> Frontier:
        """Return the tree as it stands, to grow apart from this one."""
        other = Frontier()
        other.size, other._roots = self.size, list(self._roots)
        return other

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962 section 2.1.1); raises `IndexError` for one that is not there."""
    if not 0 <= position < len(leaves):
        raise IndexError(f"no leaf {position} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if position < middle:
        return [*inclusion_proof(leaves[:middle], position), root_of(leaves[middle:])]
    return [*inclusion_proof(leaves[middle:], position - middle), root_of(leaves[:middle])]


def root_from_proof(leaf: bytes, position: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that a proof leads to; raises `ValueError` when it is of the wrong length."""
    if size == 1:
        if proof:
            raise ValueError("the proof is too long")
        return leaf
    if not proof:
        raise ValueError("the proof is too short")
    middle = _split(size)
    if position < middle:
        return node_hash(root_from_proof(leaf, position, middle, proof[:-1]), proof[-1])
    return node_hash(proof[-1], root_from_proof(leaf, position - middle, size - middle, proof[:-1]))
