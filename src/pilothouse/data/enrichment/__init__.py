"""Enrichment: asking outside sources for what we lack or hold for too long, within a budget, and never twice for nothing.

What must never happen here: a request that is sent before it is recorded; credits beyond the budget, however many run at
once; a value of a provider written over one in a system of record (answers are a source of their own, and what differs is
proposed by an agent through the gateway); a credential in the ledger or in a message.
"""
