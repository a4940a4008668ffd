"""The n-gram of the default corpora: what `segue/Melody-v0` takes for a prior."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from segue.envs.base.cache import cache_folder
from segue.envs.base.errors import SegueError
from segue.envs.melody.ngram import NGramPrior
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.melody.tokens import encode_windows
from segue.envs.melody.types import STEPS
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files, files_digest
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.corpus.split import Split
from segue.envs.music.corpus.storage import FORMAT
from segue.envs.music.corpus.types import CorpusTune

VERSION = 1
"""To be raised when the windows, the split or the counting change, so that none is read anew."""


def windows_of(tunes: Iterable[CorpusTune]) -> npt.NDArray[np.int8]:
    """Windows of all tunes, (n, STEPS), as `segue.envs.melody.tokens.encode_windows` cuts them."""
    empty = np.zeros((0, STEPS), dtype=np.int8)
    return np.concatenate([empty, *(encode_windows(tune) for tune in tunes)])


def corpus_windows(split: Split) -> npt.NDArray[np.int8]:
    """Windows of one split of the default corpora, (n, STEPS): `segue.envs.music.corpus.split`."""
    return windows_of(load_corpus().split(split))


@cache
def corpus_prior() -> NGramPrior:
    """N-gram of order 4 of the default corpora's training split.

    Fitted at the first use (which reads the corpora, if nothing did before: some seconds) and
    kept in the cache folder under the corpora's content.

    Raises
    ------
    SegueError
        If the cache folder cannot be made or written.
    """
    digest = hashlib.sha256(f"{FORMAT}".encode())
    for name in DEFAULT_NAMES:
        digest.update(files_digest(default_files(name)).encode())
    path = cache_folder() / f"melody-ngram-v{VERSION}-{digest.hexdigest()}.npz"
    try:
        return NGramPrior.load(path)
    except SegueError:
        # Not there yet, or not whole: made again.
        prior = fit_ngram(corpus_windows("train"))
        prior.save(path)
        return prior
