"""Fixtures of this room's tests."""

from tests.handoff.telling import make

__all__ = ["make"]
