"""Telling people at once: what happened, to whom it is told, over which channel, and whether it arrived.

It reads the ledger on from where it stopped, so nothing is missed and nothing told twice; every attempt is an entry.
What must never happen here: a secret or a personal value in an entry, or in what leaves for a shared place; a message
that fails without anybody being able to see it; the gateway waiting for a channel.
"""
