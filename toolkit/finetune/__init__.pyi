from .advice import suggest_loss
from .origin import other_data, trained_on
from .training import Tuned, train

__all__ = ["Tuned", "other_data", "suggest_loss", "train", "trained_on"]
