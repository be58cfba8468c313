"""Reports: pages that stand alone, to be printed, mailed or kept. They say what the ledger says, and from which entry."""
