"""Tasks, splits that cut no group, and the audit of splits that others made."""
