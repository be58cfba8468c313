"""Signals: typed things that happened at an account, first-class in the ledger and tied to nobody's opportunity record.

What must never happen here: a signal dropped in silence, or mended on the way in; one told twice standing twice; a type
or a date guessed.
"""
