"""A made-up company and its data, the same for the same seed, with defects planted on purpose.

Everything here is generated: no person, company or address in it exists.
"""
