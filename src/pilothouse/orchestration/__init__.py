"""Which agent runs when, with what context; what goes on after a person decided; what is settled after a crash.

What must never happen here: an agent handed more than its contract lets it read; a decision taken in a person's place.
"""
