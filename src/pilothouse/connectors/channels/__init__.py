"""Ways to tell people: mail over SMTP, Slack's incoming webhooks, signed webhooks.

What must never happen here: a call without a time limit; a secret in an error, in a log or on the way unencrypted.
"""
