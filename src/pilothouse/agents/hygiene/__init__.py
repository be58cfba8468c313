"""The hygiene agent: finds what is missing, misspelt or contradictory, and proposes the repair with its evidence.

It is deterministic, and honest about how sure it is. What must never happen here: a rule written for one file.
"""
