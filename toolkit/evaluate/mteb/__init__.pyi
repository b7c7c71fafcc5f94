from .benchmarking import Benchmarked, benchmark
from .model import trained_on
from .publishing import compare_with_published, published
from .tasks import as_mteb

__all__ = ["Benchmarked", "as_mteb", "benchmark", "compare_with_published", "published", "trained_on"]
