"""The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Every command takes `--json`: stdout then carries exactly one JSON document and nothing else. Errors are sentences on stderr,
with `--json` and without; a command that was refused before it did anything leaves stdout empty.

Whoever can run it can read the workspace's state folder, so it asks for no password: it acts as the person named with
`--as`, and every act is recorded under that name with `cli` as its way in.
"""
