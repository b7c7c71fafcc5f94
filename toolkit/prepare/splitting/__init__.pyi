from .auditing import Audit, audit
from .dividing import TooFewGroupsError
from .groups import query_groups, row_groups
from .near_copies import close_pairs, connected_components, near_pairs
from .official import official_task
from .splitting import split, task

__all__ = [
    "Audit",
    "TooFewGroupsError",
    "audit",
    "close_pairs",
    "connected_components",
    "near_pairs",
    "official_task",
    "query_groups",
    "row_groups",
    "split",
    "task",
]
