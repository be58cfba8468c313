"""Where agents stop and people decide: the review queue.

What must never happen here: time, silence or a restart taken for an approval; a decision that is not bound to the
exact payload that was shown; a second use of one approval; a proposer approving their own tier 3 proposal.
"""
