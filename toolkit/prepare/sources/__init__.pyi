from .catalogue import known
from .loading import Loaded, ReadOptions, load

__all__ = [
    "Loaded",
    "ReadOptions",
    "known",
    "load",
]
