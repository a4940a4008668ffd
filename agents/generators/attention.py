"""A causal self-attention model of melodies (Vaswani et al. 2017) on the sixteenth grid.

Layers are normed before (Xiong et al. 2020), places are told to attention by rotation (Su et al.
2021) and to the input as metre, bar and phrase (`segue.agents.generators.features`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from segue.agents.generators.features import CHORD_WIDTH, SIZES
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS


@dataclass(frozen=True)
class AttentionConfig:
    """Size of the model.

    Attributes
    ----------
    width : int
        Of what each sixteenth is described by, a multiple of twice the heads.
    layers : int
        Blocks of attention, >= 1.
    heads : int
        Heads of each.
    context : int
        Sixteenths that are seen at most, >= 32.

    Raises
    ------
    SegueError
        If one of them is out of range.
    """

    width: int = 192
    layers: int = 4
    heads: int = 6
    context: int = 512

    def __post_init__(self) -> None:
        least = {"width": 2, "layers": 1, "heads": 1, "context": 32}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise SegueError(f"{name} is {getattr(self, name)}; give {lowest} or more.")
        if self.width % (2 * self.heads):
            raise SegueError(
                f"width {self.width} is no multiple of twice the {self.heads} heads; change one."
            )


class KeyValueCache:
    """Keys and values of the sixteenths that the model has read, so that none is read twice.

    Parameters
    ----------
    config : AttentionConfig
        Of the model.
    rows : int
        Melodies.
    length : int
        Sixteenths that there is room for.
    device : torch.device or str
        Where the model is.
    """

    def __init__(
        self, config: AttentionConfig, rows: int, length: int, device: torch.device | str = "cpu"
    ) -> None:
        shape = (2, rows, config.heads, length, config.width // config.heads)
        self.layers = [torch.empty(shape, device=device) for _ in range(config.layers)]
        self.length = 0


class Dropout:
    """Leaves out a share of values, drawn from a generator of its own."""

    def __init__(self, share: float, generator: torch.Generator) -> None:
        self._kept, self._generator = 1.0 - share, generator

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Leave values out and scale the rest, so that their mean stays."""
        if self._kept == 1.0:
            return x
        mask = torch.empty_like(x)
        return x * mask.bernoulli_(self._kept, generator=self._generator).div_(self._kept)


class _Block(nn.Module):
    """Attention to what came before, then two layers on each sixteenth alone."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.ask = nn.Linear(width, 3 * width, bias=False)
        self.answer = nn.Linear(width, width, bias=False)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(
        self,
        x: torch.Tensor,
        rotation: tuple[torch.Tensor, torch.Tensor],
        kept: torch.Tensor | None,
        begin: int,
        dropout: Dropout | None,
    ) -> torch.Tensor:
        rows, length, width = x.shape
        asked = self.ask(self.norms[0](x)).view(rows, length, 3, self._heads, -1)
        # In single precision: half of it makes attention slower here, and rotation coarse.
        query, key, value = asked.float().permute(2, 0, 3, 1, 4)
        query, key = _rotated(query, rotation), _rotated(key, rotation)
        if kept is not None:
            end = begin + length
            kept[0][:, :, begin:end], kept[1][:, :, begin:end] = key, value
            key, value = kept[0][:, :, :end], kept[1][:, :, :end]
        looked = _attended(query, key, value)
        change = self.answer(looked.transpose(1, 2).reshape(rows, length, width))
        x = x + (dropout(change) if dropout else change)
        change = self.contract(functional.gelu(self.expand(self.norms[1](x))))
        return x + (dropout(change) if dropout else change)


class MelodyAttention(nn.Module):
    """Gives the log-odds of the next token at every sixteenth.

    Parameters
    ----------
    config : AttentionConfig
        Its size.
    """

    offsets: torch.Tensor
    rates: torch.Tensor

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        # All columns in one table, each with rows of its own: a sixteenth is the sum of its rows.
        sizes = torch.tensor(SIZES)
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        self.table = nn.Parameter(torch.empty(int(sizes.sum()), config.width))
        nn.init.normal_(self.table, std=0.1)
        self.chord = nn.Linear(CHORD_WIDTH, config.width, bias=False)
        self.blocks = nn.ModuleList(
            _Block(config.width, config.heads) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.out = nn.Linear(config.width, TOKENS)
        half = config.width // config.heads // 2
        self.register_buffer("rates", 10_000.0 ** (-torch.arange(half) / half), persistent=False)

    def forward(
        self,
        seen: torch.Tensor,
        chords: torch.Tensor,
        cache: KeyValueCache | None = None,
        dropout: Dropout | None = None,
    ) -> torch.Tensor:
        """Read sixteenths.

        Parameters
        ----------
        seen : int64 tensor, (n, t, len(SIZES))
            History and tags of each sixteenth, the first one that is not in the cache on.
        chords : float32 tensor, (n, t, CHORD_WIDTH)
            Their chords.
        cache : KeyValueCache or None
            What has been read before; these sixteenths are added.
        dropout : Dropout or None
            None leaves nothing out.

        Returns
        -------
        float32 tensor, (n, t, TOKENS)
            Log-odds of the token at each of these sixteenths.
        """
        rows, length, columns = seen.shape
        flat = (seen + self.offsets).view(-1, columns)
        x = functional.embedding_bag(flat, self.table, mode="sum").view(rows, length, -1)
        x = x + self.chord(chords)
        if dropout:
            x = dropout(x)
        begin = cache.length if cache is not None else 0
        places = torch.arange(begin, begin + length, device=x.device)
        angles = places[:, None] * self.rates
        rotation = angles.cos(), angles.sin()
        for index, block in enumerate(self.blocks):
            kept = cache.layers[index] if cache is not None else None
            x = block(x, rotation, kept, begin, dropout)
        if cache is not None:
            cache.length += length
        logits: torch.Tensor = self.out(self.norm(x)).float()
        return logits


def _attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Attention of the last places (n, heads, l, w) to themselves and what is before them."""
    length, known = query.shape[2], key.shape[2]
    if length == known:
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    if length == 1:  # Twice as fast as the general one, which is made for many questions.
        weights = (query * query.shape[3] ** -0.5) @ key.transpose(2, 3)
        attended: torch.Tensor = weights.softmax(-1) @ value
        return attended
    mask = torch.ones(length, known, dtype=torch.bool, device=query.device).tril(known - length)
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def _rotated(x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Turn pairs of values by the angles of their place (Su et al. 2021, equation 34)."""
    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
