"""Business policy: who fits, what starts outreach or a review, who is out, what comes first, who owns what.

Conditions are those of definitions: the same variables, facts and terms. What must never happen here: an answer without
the condition that decided it and the version; a missing value that turns into a yes or a no.
"""
