"""Importing files: exports of CRMs by built-in mappings, any other CSV or JSONL by a small mapping file.

What must never happen here: a row lost in silence; a bad row stopping the good ones; a value mended on the way in.
"""
