"""Proofs about a policy: that no input whatever leads where none may lead.

The considerations and the rules are written down once more, as formulas (`considered.py`, `ruled.py`) over an act of which
nothing is known (`act.py`). A test compares them with the engine. What must never happen here: "proved" said of what was
left out; a counterexample shown that the engine itself does not confirm.
"""
