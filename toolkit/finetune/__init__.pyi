from . import losses, tuned
from .adapter import TrainSettings
from .losses import suggest_loss
from .training import train
from .tuned import Tuned

__all__ = ["TrainSettings", "Tuned", "losses", "suggest_loss", "train", "tuned"]
