"""How much an agent may do by itself: the ramp, the gate of a promotion, the ceiling, and what takes trust away.

Pure functions over numbers that somebody else read from the ledger. What must never happen here: a number guessed where
none was measured; more overrides leading to more trust.
"""
