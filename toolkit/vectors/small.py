"""Small models without a download: word vectors that come with a package, and the first layers of a transformer."""

from __future__ import annotations

import copy
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.storage import digest_file
from toolkit.vectors.origin import Origin, origin_of, set_origin

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def open_wordllama(device: str | None = None) -> SentenceTransformer:
    """The mean of word vectors, from the weights and the tokenizer in the package ``wordllama`` (MIT).

    The package's own loader looks for its tokenizer in a folder that it does not have, and then wants the network.

    Raises
    ------
    ModuleNotFoundError
        The package is missing.
    """
    found = find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("this model comes with a package: pip install wordllama", name="wordllama")
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer

    folder = Path(found.submodule_search_locations[0])
    weights = folder / "weights" / "l2_supercat_256.safetensors"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    table = load_file(weights)["embedding.weight"].astype("float32")
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, table), Normalize()], device=device)
    set_origin(model, Origin("wordllama", sha256={weights.name: digest_file(weights)}))
    return model


def first_layers(model: SentenceTransformer, n: int) -> SentenceTransformer:
    """A copy of a transformer that has its first `n` layers only, and is not trained again.

    About as much faster as it is shorter, and worse: measure how much. Training can win some of it back.

    Raises
    ------
    ValueError
        When the model is no transformer of this kind, or has no more than `n` layers.
    """
    cut = copy.deepcopy(model)
    inner: Any = getattr(cut[0], "model", None)
    layers = getattr(getattr(inner, "encoder", None), "layer", None)
    if layers is None:
        raise ValueError("expected a BERT-like transformer, whose layers are model[0].model.encoder.layer")
    if not 1 <= n < len(layers):
        raise ValueError(f"expected from 1 to {len(layers) - 1} of its {len(layers)} layers, got {n}")
    inner.encoder.layer = layers[:n]
    inner.config.num_hidden_layers = n
    set_origin(cut, replace(origin_of(model), layers=n))
    return cut
