from .making import Pairs, make_pairs
from .relations import balanced_pairs
from .unsupervised import damage, split_sentences

__all__ = ["Pairs", "balanced_pairs", "damage", "make_pairs", "split_sentences"]
