from .guessing import Guess, guess

__all__ = ["Guess", "guess"]
