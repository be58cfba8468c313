"""One room per agent. An agent looks through its view and proposes; it never acts.

What must never happen here: an import of the gateway, the ledger or another agent; a confidence that was not earned.
"""
