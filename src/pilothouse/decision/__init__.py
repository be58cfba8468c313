"""Written policy, and the verdict on one action: pure functions over facts.

What must never happen here: silence read as permission; an error read as permission; a consideration that relaxes what
another asked for; input or output while deciding.
"""
