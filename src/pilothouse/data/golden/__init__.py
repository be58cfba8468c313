"""The golden record: for each field of an account, contact or deal the one value that counts, and why.

What must never happen here: a value without its source and age; a person's value giving way to a machine's; a choice that
depends on the order in which sources are read; a value dated later than the moment that was asked about.
"""
