"""What runs by the clock: declared in the workspace, under a person's name, each time an entry that began and ended.

What must never happen here: one time run twice, by however many servers; a run in nobody's name; a missed time made up
for more than once.
"""
