"""The REST surface under `/v1`: agents with their token, people with their session.

What must never happen here: an endpoint without authentication, but for health and log-in; a rule of policy.
"""
