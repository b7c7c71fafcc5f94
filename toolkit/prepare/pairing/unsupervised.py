"""Make pairs from documents alone: neighbouring sentences, the inverse cloze task, damaged copies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress, pairwise

import numpy as np
import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.pairing.relations import MOST
from toolkit.prepare.text.language import UNKNOWN, language_shares
from toolkit.prepare.text.unicode import count_words
from toolkit.vectors.keywords import UNSPACED

DELETED = 0.6  # share of words; the best value in the TSDAE paper and the default of sentence-transformers
KEEP_SENTENCE = 0.1  # share of documents that keep the sentence, so that exact matches count too; best in Lee et al.
MIN_WORDS = 3  # minimum words of a sentence that makes sense alone
LANGUAGE_SAMPLE = 200  # texts from which the language is detected

# A word with the space before it; in scripts without spaces each character is a word.
_WORD = re.compile(rf"\s*(?:[{UNSPACED}]|[^\s{UNSPACED}]+)")


def split_sentences(texts: Sequence[str]) -> list[list[str]]:
    """Split each text into sentences (library sentencex) by the rules of the most frequent language.

    Raises
    ------
    ModuleNotFoundError
        The package sentencex is missing.
    """
    try:
        import sentencex
    except ImportError:
        raise ModuleNotFoundError(
            "splitting texts into sentences needs sentencex: python3 run.py install text (or pip install sentencex)",
            name="sentencex",
        ) from None
    looked = texts[:: max(1, len(texts) // LANGUAGE_SAMPLE)][:LANGUAGE_SAMPLE]
    language = str(language_shares(looked)["language"].iloc[0]) if len(texts) else UNKNOWN
    language = "en" if language == UNKNOWN else language
    return [[part.strip() for part in sentencex.segment(language, text) if part.strip()] for text in texts]


def neighbours(frame: pd.DataFrame, dropped: Dropped, *, most: int = MOST, seed: int = 0) -> pd.DataFrame:
    """Pair neighbouring sentences of at least three words, at most `most` pairs per document, drawn at random.

    The signal is that neighbours share a topic, as in L. Logeswaran and H. Lee, 2018, "An efficient framework
    for learning sentence representations" (Quick-Thoughts).
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, int]] = []
    used: list[bool] = []
    possible = 0
    for row, sentences in zip(frame["row"], split_sentences(frame["text"].tolist()), strict=True):
        long = [count_words(sentence) >= MIN_WORDS for sentence in sentences]
        places = [place for place, both in enumerate(pairwise(long)) if all(both)]
        possible += len(places)
        used.append(bool(places))
        if len(places) > most:
            places = sorted(rng.choice(places, most, replace=False).tolist())
        rows += [(sentences[place], sentences[place + 1], row) for place in places]
    alone = f"no two sentences of {MIN_WORDS} words follow each other"
    frame = dropped.keep(frame, pd.Series(used, index=frame.index, dtype=bool), "alone", alone)
    why = f"{len(rows):,} of {possible:,} pairs: at most {most} per document"
    dropped.count("pair", len(frame), 0, why, rows_out=len(rows))
    return pd.DataFrame(rows, columns=["anchor", "positive", "row"])


def cloze(frame: pd.DataFrame, dropped: Dropped, *, seed: int = 0) -> pd.DataFrame:
    """Take a random sentence of each document as the query, and the rest of the document as its positive.

    The inverse cloze task of K. Lee, M. Chang and K. Toutanova, 2019, "Latent Retrieval for Weakly Supervised Open
    Domain Question Answering": a tenth of the documents keep the sentence, so that exact matches count too. One pair
    per document, since several would be false negatives of each other in a batch.
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, int]] = []
    used: list[bool] = []
    for row, text, sentences in zip(frame["row"], frame["text"], split_sentences(frame["text"].tolist()), strict=True):
        long = [place for place, sentence in enumerate(sentences) if count_words(sentence) >= MIN_WORDS]
        used.append(len(long) > 1)
        if len(long) < 2:
            continue
        chosen = int(rng.choice(long))
        rest = " ".join(sentences[:chosen] + sentences[chosen + 1 :])
        rows.append((sentences[chosen], text if rng.random() < KEEP_SENTENCE else rest, row))
    alone = f"fewer than two sentences of {MIN_WORDS} words"
    dropped.keep(frame, pd.Series(used, index=frame.index, dtype=bool), "alone", alone)
    return pd.DataFrame(rows, columns=["anchor", "positive", "row"])


def damage(text: str, rng: np.random.Generator) -> str:
    """Delete words of a text at random, each with the probability `DELETED`; at least one stays.

    Like ``DenoisingAutoEncoderDataset.delete`` of sentence-transformers, except that words end at white space here
    (there they are nltk's tokens).

    Examples
    --------
    >>> damage("how do I reset my password", np.random.default_rng(0))
    'how my password'
    """
    words = _WORD.findall(text)
    kept = rng.random(len(words)) > DELETED
    if words and not kept.any():
        kept[rng.integers(len(words))] = True
    return "".join(compress(words, kept)).strip() if words else text


def damaged(frame: pd.DataFrame, dropped: Dropped, *, seed: int = 0) -> pd.DataFrame:
    """Pair each text with a damaged copy, for DenoisingAutoEncoderLoss.

    TSDAE: K. Wang, N. Reimers and I. Gurevych, 2021, "TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder
    for Unsupervised Sentence Embedding Learning". The copies are made once; for new copies in each epoch, use different
    seeds, or call `damage` in ``dataset.set_transform``. (The example in the loss's own documentation keeps the share
    that the paper deletes.)
    """
    frame = dropped.keep(frame, ~frame.duplicated("text"), "repeated text", "repeats an earlier text")
    several = frame["text"].map(lambda text: len(_WORD.findall(text)) > 1)
    frame = dropped.keep(frame, several, "one word", "no word can be deleted")
    rng = np.random.default_rng(seed)
    noisy = [damage(text, rng) for text in frame["text"]]
    return pd.DataFrame({"noisy": noisy, "text": frame["text"].to_numpy(), "row": frame["row"].to_numpy()})
