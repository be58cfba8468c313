"""How definitions are written, read, evaluated and tested. `data/definitions.py` is the registry itself.

What must never happen here: a missing fact that turns into a yes or a no; an answer that does not say why and by which
version; a fact that is not in the catalogue.
"""
