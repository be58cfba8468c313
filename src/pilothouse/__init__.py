"""Pilothouse: the open control plane for revenue agents.

Every fact and every act, human or agent, is an entry in one append-only ledger, and no act reaches a system of
record except through the gateway. docs/ARCHITECTURE.md maps the rooms of this package.
"""

__version__ = "0.1.0"
