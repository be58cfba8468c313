"""Shipped with the package, for tests of Pilothouse and of what is built on it: a clock you control, an app in a folder,
and the suite of behaviours that every connector must pass."""
