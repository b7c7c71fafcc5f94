from .agreement import Judged, results, write_qrels
from .searches import queries_from
from .sessions import Session, judge, resume

__all__ = ["Judged", "Session", "judge", "queries_from", "results", "resume", "write_qrels"]
