"""Versions of what is decided in writing: proposed by one person, published by another, in force from a moment on.

What must never happen here: a version that one person alone puts in force (a rollback to one that two people published
is the exception, and says so); a text in force that the ledger does not hold; an unpublished file that changes a decision.
"""
