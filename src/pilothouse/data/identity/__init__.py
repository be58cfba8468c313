"""One company is one company: which records of which sources are the same account or contact, with reasons and lineage.

Splink finds candidate pairs and weighs the evidence; what is decided here is which pairs become one entity, under which
lasting identifier, and what people's judgements change about it. What must never happen here: a judgement of a person
outvoted by numbers; an identifier given to another company; a merge in a system of record (that is only proposed).
"""
