"""Shipped with the package, for tests of Pilothouse and of what is built on it: a clock that you control."""
