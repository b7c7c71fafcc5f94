from .agreement import Judged, results, write_qrels
from .queries import queries_from
from .session import Session, judge, resume

__all__ = ["Judged", "Session", "judge", "queries_from", "results", "resume", "write_qrels"]
