"""What the ledger says, put so that people and machines can read it.

What must never happen here: a second source of truth; a number that cannot be traced to entries.
"""
