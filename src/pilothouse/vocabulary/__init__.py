"""The nouns that every room shares.

This room says what an action, an actor, a record, a capability, a verdict and an outcome *are*. It holds no rules and
does no input or output, apart from reading the operating system's clock and random source.

What must never happen here: an import of another room.
"""
