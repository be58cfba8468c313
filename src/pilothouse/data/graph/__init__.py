"""The buyer graph: accounts, their contacts, deals and activities in every system, and all that happened around them.

Read as of a moment, with what was known by then. What must never happen here: an answer about the past that changes
because something was learned later; something attached to an account on a guess.
"""
