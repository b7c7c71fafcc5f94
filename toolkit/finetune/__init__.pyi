from .advice import suggest_loss
from .training import Tuned, train

__all__ = ["Tuned", "suggest_loss", "train"]
