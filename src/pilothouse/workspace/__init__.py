"""The workspace: what RevOps owns, as files under git, and the folder of state that is nobody's to edit.

What must never happen here: a key, salt or retained checkpoint in the part that goes under git.
"""
