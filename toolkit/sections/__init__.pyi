from .inputs import data, licences, reproducibility, training
from .measured import comparison, diagnostics, examples, numbers
from .usage import deployment, limits, terms

__all__ = [
    "comparison",
    "data",
    "deployment",
    "diagnostics",
    "examples",
    "licences",
    "limits",
    "numbers",
    "reproducibility",
    "terms",
    "training",
]
