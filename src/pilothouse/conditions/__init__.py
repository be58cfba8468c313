"""Conditions in CEL: compiled and type-checked over declared variables, asked with every missing value known beforehand.

Policy rules, definitions and data contracts are all written in it; what an answer is worth is for those rooms to say.
What must never happen here: a missing value that turns into a yes or a no; a problem that does not say where it stands.
"""
