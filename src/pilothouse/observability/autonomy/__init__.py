"""What the ledger says of an agent's record, and what follows from it by itself: reviews of the ramp, and demotions.

What must never happen here: a figure that is not drawn from the ledger; a promotion.
"""
