"""Sentence embeddings that work on your texts, and the proof: choose, prepare, finetune, evaluate, deploy.

Importing this package is instant: torch, transformers and faiss are loaded when they are first needed.
"""

import os as _os

import lazy_loader as _lazy

__version__ = "0.1.0"

# Nothing here reports to anybody. Set before huggingface_hub is imported, which reads it only once.
_os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
