"""The one door to every system of record.

Agent and person are both known, scopes reach down to fields, the intent is durable before anything runs, every refusal
is an entry, and everything that can be undone can be undone from here. `pipeline.py` shows the way of one action.

What must never happen here: a write that did not pass all stages; an agent holding a system's credential.
"""
