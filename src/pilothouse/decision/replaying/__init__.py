"""Policy asked again: recorded decisions against another text, and two texts told apart in words.

Pure functions over what the ledger holds. What must never happen here: a model called, anything outside touched.
"""
