"""People: who they are, what each role may do, which records are theirs, how they log in.

What must never happen here: a secret in the ledger, in a log or in a `repr`; a default password; a role that lets
somebody approve their own proposal.
"""
