"""Scores to paired differences, verdicts, the ledger and the paper pack."""
