"""The console: server-rendered pages that work without JavaScript; one small script adds keys for fast reviewing.

What must never happen here: a form without its CSRF token; a page without a session; text shown as markup.
"""
