"""One room per system of record: client, capabilities, intake. Copy `twin/` to begin a new one.

What must never happen here: one connector importing another; a credential leaving its connector; a rule of policy.
"""
