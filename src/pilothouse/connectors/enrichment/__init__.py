"""Enrichment providers: one HTTP engine driven by mapping files, and one that looks up files and needs no network.

What must never happen here: a credential in a message, a log or an answer; a request to another host than the one that is
set up; an answer of any size or shape that brings the run down.
"""
