"""The pipeline: deals that people entered, each counted once and with what signals say for it, and opportunities that
follow from signals alone.

What must never happen here: a deal counted twice because two systems hold it; a derived opportunity without its evidence.
"""
