"""The data layer: accounts, contacts, opportunities, activities and signals, as every source tells them.

Each value keeps its source, its time and who or what wrote it. Agents read from here, through a view that their data
contract scopes.

What must never happen here: a value without a source; an import that loses a row in silence; a read outside a contract.
"""
