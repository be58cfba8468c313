"""Where people and programs reach Pilothouse: command line, REST, console. They translate and call; no rules live here.

What must never happen here: a decision; a write that does not go through the gateway.
"""
