"""The twin: a small CRM, sequencer and quote book, complete in one SQLite file of its own.

It is the demo's system of record, the tests' fake and the fire drill's stage. `server.py` plays the outside system and
knows nothing of Pilothouse; `connector.py` is the door's hand in it.

What must never happen here: the rest of the system writing the twin's journal; a fault left armed by default.
"""
