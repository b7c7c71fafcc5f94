"""Score a model or system on a task: inference, rankings, metrics per item and set metrics."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
