"""Compare scores: paired differences, verdicts, combined comparisons, the ledger of test uses, and the paper pack."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
