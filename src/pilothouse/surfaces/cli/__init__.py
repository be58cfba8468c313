"""The command line. Every listing takes `--json`; exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Whoever can run it can read the workspace's state folder, so it asks for no password: it acts as the person named with
`--as`, and every act is recorded under that name with `cli` as its way in.
"""
