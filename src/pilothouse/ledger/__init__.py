"""The ledger: every fact and every act as an entry in one append-only, tamper-evident sequence.

Entries get gapless positions; each is a leaf of an RFC 6962 Merkle tree whose root is signed at checkpoints. Personal
payloads stand beside the tree, joined by a salted digest, so that a person can be erased and every proof still holds.

What must never happen here: an append that returns before it is durable; an entry changed or removed; a projection
that is not written with its entry; one caller's failure losing what another caller shared a commit with.
"""
