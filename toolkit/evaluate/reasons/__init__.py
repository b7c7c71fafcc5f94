"""Why a score is what it is: single items, slices, leaks, thresholds, the space of the vectors, forgetting."""
