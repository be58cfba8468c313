"""How ready the organisation is, worked out from evidence: the checklist, the stage, the ceiling, the 90-day plan.

What must never happen here: an item met by somebody's word for it; an item without evidence read as met.
"""
