"""The stages of the pipeline, one file each. A stage takes a passage and the door, and answers Continue or Stop.

What must never happen here: a stage that answers without a reason, or that writes to the ledger or to a system of
record, except the three whose names say so (`record_intent`, `perform`, `record_result`).
"""
