"""The two-way transformer on image tokens that are never formed.

Image tokens are `scale * (K0 + A U)`; `constants.py` has the shape letters, and
docs/decisions/decoder-graphs.md the algebra. Weights A are kept transposed, [R, N].
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model_server.sam.mask_decoder import NUM_MASK_TOKENS
from model_server.sam.sam import Sam
from model_server.sam.transformer import Attention
from onnx_export.constants import Folded, two_layers
from onnx_export.prepare import Prepared

OWN_TOKENS = 1 + NUM_MASK_TOKENS  # of the decoder: for the predicted IoU, then for the masks
TYPICAL_TOKENS = OWN_TOKENS + 6  # of a refinement: five points and padding


@dataclass(frozen=True)
class Update:
    """A low-rank change of the image tokens."""

    weights: Tensor  # [R, N]
    rows: Tensor  # [R, C] centred


@dataclass(frozen=True)
class ImageTokens:
    """Centred image tokens after layer 1, `scale * (K0 + A U)`, before the norm's gain and bias."""

    update: Update
    scale: Tensor  # [1, N]
    gained_rows: Tensor  # [R, C] the update's rows after gain and centring
    gained_square: Tensor  # [1, N] squared length of the scaled tokens after gain and centring


@dataclass(frozen=True)
class FinalTokens:
    """Centred image tokens after layer 2: K0 and the rows of both updates, with all scales."""

    scale: Tensor  # [1, N]
    weights: Tensor  # [R1 + R2, N] scaled
    rows_1: Tensor  # [R1, C] read through constants `after_1`
    rows_2: Tensor  # [R2, C] read through constants `after_2`


class Heads:
    """Moves between heads side by side and heads first, with shapes that a graph need not compute.

    Products of [H, T, x] with a plain matrix [x, y] stay heads first: runtimes join H and T.
    """

    def __init__(self, num_heads: int, head_dim: int) -> None:
        self.num_heads, self.head_dim = num_heads, head_dim

    def split(self, x: Tensor) -> Tensor:
        """[T, H d] to [H, T, d]."""
        return x.reshape(-1, self.num_heads, self.head_dim).transpose(0, 1)

    def split_scaled(self, x: Tensor) -> Tensor:
        """`split`, divided by the square root of the head width."""
        return self.split(x) * (1.0 / math.sqrt(self.head_dim))

    def merge(self, x: Tensor) -> Tensor:
        """[H, T, d] to [T, H d]."""
        return x.transpose(0, 1).reshape(-1, self.num_heads * self.head_dim)

    def columns(self, matrix: Tensor) -> Tensor:
        """A constant [rows, H d] as float32 [H, rows, d]."""
        return self.split(matrix).float().contiguous()

    def rows(self, matrix: Tensor) -> Tensor:
        """A constant [H d, columns] as float32 [H, d, columns]."""
        return matrix.reshape(self.num_heads, self.head_dim, -1).float().contiguous()


class RowsPerToken(nn.Module):
    """What attention adds to the image as a row for each token and head: few for few tokens.

    A head's weights sum to one over the tokens. So every token but the last is told by what it adds
    to the last one, whose own share is the same everywhere: one row for all heads together.
    """

    out: Tensor  # [H, d, C]
    out_constant: Tensor  # [C]
    one: Tensor  # [1, N]

    def __init__(self, folded: Folded, out: Tensor, out_constant: Tensor) -> None:
        super().__init__()
        self.num_heads, self.num_cells, self.width = folded.num_heads, folded.grid**2, folded.width
        self.heads = Heads(folded.num_heads, folded.head_dim)
        self.register_buffer("out", self.heads.rows(out))
        self.register_buffer("out_constant", out_constant.float())
        self.register_buffer("one", torch.ones(1, self.num_cells))

    def forward(
        self, weights: Tensor, value: Tensor, side: Tensor, constant: Tensor
    ) -> tuple[Update, Tensor]:
        """The update of weights [H, T, N] on values [H, T, d], and its `products`."""
        rows = self.times(value, self.out, self.out_constant)  # R C
        apart = weights[:, :-1].reshape(-1, self.num_cells)
        update = Update(torch.cat([apart, self.one]), rows)
        return update, self.products(value, side, constant)

    def products(self, value: Tensor, side: Tensor, constant: Tensor) -> Tensor:
        """The rows times the image, [R, N], from prepared [H, d, N] and a head's share [1, N]."""
        return self.times(value, side, constant * self.num_heads)

    def times(self, value: Tensor, right: Tensor, constant: Tensor) -> Tensor:
        """What values [H, T, d] give on [H, d, x]: H * (T - 1) differences, then the last token."""
        last = value[:, -1:]
        apart = (value[:, :-1] - last) @ right  # H T-1 x
        whole = self.heads.merge(last) @ right.flatten(0, 1) + constant  # 1 x
        return torch.cat([apart.flatten(0, 1), whole])


class RowsPerChannel(nn.Module):
    """The same as a row for each channel of the attention, which no number of tokens exceeds.

    The rows are constants; better once tokens times heads outnumber those channels.
    """

    rows: Tensor  # [H d + 1, C] the last is the output's bias
    one: Tensor  # [1, N]

    def __init__(self, folded: Folded, out: Tensor, out_constant: Tensor) -> None:
        super().__init__()
        self.num_heads, self.num_cells = folded.num_heads, folded.grid**2
        self.register_buffer("rows", torch.cat([out, out_constant[None]]).float())
        self.register_buffer("one", torch.ones(1, self.num_cells))

    def forward(
        self, weights: Tensor, value: Tensor, side: Tensor, constant: Tensor
    ) -> tuple[Update, Tensor]:
        """The update of weights [H, T, N] on values [H, T, d], and its `products`."""
        mixed = (value.transpose(1, 2) @ weights).reshape(-1, self.num_cells)  # H d, N
        update = Update(torch.cat([mixed, self.one]), self.rows)
        return update, self.products(value, side, constant)

    def products(self, value: Tensor, side: Tensor, constant: Tensor) -> Tensor:
        """The rows times the image, [H d + 1, N]; no value is in them."""
        return torch.cat([side.reshape(-1, self.num_cells), constant * self.num_heads])


Spread = RowsPerToken | RowsPerChannel


def choose_spread(folded: Folded, out: Tensor, out_constant: Tensor, *, bounded: bool) -> Spread:
    """How the update of a layer is written; `bounded` for prompts of many points."""
    many = folded.head_dim < TYPICAL_TOKENS
    kind = RowsPerChannel if bounded and many else RowsPerToken
    return kind(folded, out, out_constant)


class FirstLayer(nn.Module):
    """Layer 1: tokens look at the image, then the image gets its first update."""

    value_constant: Tensor  # [H d]
    gain: Tensor  # [C, C]
    dense_rows: Tensor  # [M, C]
    dense_key: Tensor  # [H, d, M]
    dense_query: Tensor  # [H, d, M]
    dense_value: Tensor  # [H, M, d]

    def __init__(self, sam: Sam, folded: Folded, *, num_dense_rows: int, bounded: bool) -> None:
        super().__init__()
        self.layer = two_layers(sam)[0]
        self.heads = heads = Heads(folded.num_heads, folded.head_dim)
        self.width, self.num_cells = folded.width, folded.grid**2
        self.epsilon = folded.epsilons[0]
        self.num_dense_rows = num_dense_rows
        first = folded.first
        self.register_buffer("value_constant", first.value_constant.float())
        self.spread = choose_spread(folded, first.out, first.out_constant, bounded=bounded)
        self.register_buffer("gain", folded.gain.float())
        dense = torch.cat([folded.dense.channels, folded.dense.change[None]])[:num_dense_rows]
        self.register_buffer("dense_rows", (dense @ folded.centre).float())
        self.register_buffer("dense_key", heads.rows((dense @ first.key).T))
        self.register_buffer("dense_query", heads.rows((dense @ first.query).T))
        self.register_buffer("dense_value", heads.columns(dense @ first.value))

    def forward(
        self, tokens: Tensor, image: Prepared, dense: Tensor | None
    ) -> tuple[Tensor, ImageTokens]:
        """Tokens [T, C] and dense rows [M, N] to new tokens and the updated image."""
        queries = self.layer.norm1(self_attention(self.layer.self_attn, tokens, tokens))
        queries = self.layer.norm2(queries + self.look(queries + tokens, image, dense))
        queries = self.layer.norm3(queries + self.layer.mlp(queries))
        return queries, self.tell(queries, tokens, image, dense)

    def look(self, queries: Tensor, image: Prepared, dense: Tensor | None) -> Tensor:
        """Attention from tokens to image, [T, C]."""
        attention, heads = self.layer.cross_attn_token_to_image, self.heads
        query = heads.split_scaled(attention.q_proj(queries))  # H T d
        weights = torch.softmax(self.scores(query, image.key_1, self.dense_key, dense), dim=-1)
        seen = weights @ image.value_1
        if dense is not None:
            seen = seen + weights @ dense.T @ self.dense_value
        looked: Tensor = attention.out_proj(heads.merge(seen) + self.value_constant)
        return looked

    def scores(
        self, query: Tensor, image_side: Tensor, dense_side: Tensor, dense: Tensor | None
    ) -> Tensor:
        """Products [H, T, N] of tokens [H, T, d] with image and dense prompt."""
        scores = query @ image_side
        return scores if dense is None else scores + query @ dense_side @ dense

    def tell(
        self, queries: Tensor, tokens: Tensor, image: Prepared, dense: Tensor | None
    ) -> ImageTokens:
        """Attention from image to tokens: the update, and the norm of what it gives."""
        attention, heads = self.layer.cross_attn_image_to_token, self.heads
        key = heads.split_scaled(attention.k_proj(queries + tokens))
        value = heads.split(attention.v_proj(queries))
        weights = over_tokens(self.scores(key, image.query_1, self.dense_query, dense))
        update, products = self.spread(weights, value, image.out_1, image.constants[0:1])
        gained = self.spread.products(value, image.out_1_gained, image.constants[1:2])
        if dense is not None:
            update = Update(
                torch.cat([update.weights, dense]), torch.cat([update.rows, self.dense_rows])
            )
            products = torch.cat([products, image.channels[: self.num_dense_rows]])
            gained = torch.cat([gained, image.channels_gained[: self.num_dense_rows]])
        return self.normed(update, image.squares, products, gained)

    def normed(
        self, update: Update, squares: Tensor, products: Tensor, gained: Tensor
    ) -> ImageTokens:
        """Scale by the norm; `products` and `gained` [R, N] are the update's rows times K0."""
        gained_rows = update.rows @ self.gain
        square = squares[0:1] + added_square(update.weights, update.rows, products)
        scale = norm_scale(square, self.width, self.epsilon)
        gained_square = squares[1:2] + added_square(update.weights, gained_rows, gained)
        return ImageTokens(update, scale, gained_rows, scale * scale * gained_square)


class SecondLayer(nn.Module):
    """Layer 2: the same on updated image tokens, then the second update."""

    key: Tensor  # [H, C, d]
    value: Tensor  # [H, C, d]
    query: Tensor  # [H, C, d]
    key_place: Tensor  # [H, d, N]
    query_place: Tensor  # [H, d, N]
    value_constant: Tensor  # [H d]

    def __init__(self, sam: Sam, folded: Folded, *, bounded: bool) -> None:
        super().__init__()
        self.layer = two_layers(sam)[1]
        self.heads = heads = Heads(folded.num_heads, folded.head_dim)
        self.width, self.num_cells = folded.width, folded.grid**2
        self.epsilon = folded.epsilons[1]
        second = folded.second
        self.register_buffer("key", heads.columns(second.key))
        self.register_buffer("value", heads.columns(second.value))
        self.register_buffer("query", heads.columns(second.query))
        self.register_buffer("key_place", heads.rows(second.key_place.T))
        self.register_buffer("query_place", heads.rows(second.query_place.T))
        self.register_buffer("value_constant", second.value_constant.float())
        self.spread = choose_spread(folded, second.out, second.out_constant, bounded=bounded)

    def forward(
        self, queries: Tensor, tokens: Tensor, image: Prepared, before: ImageTokens
    ) -> tuple[Tensor, FinalTokens]:
        """Tokens [T, C] after layer 1 to tokens after layer 2 and the finished image."""
        placed = queries + tokens
        queries = self.layer.norm1(queries + self_attention(self.layer.self_attn, placed, queries))
        queries = self.layer.norm2(queries + self.look(queries + tokens, image, before))
        queries = self.layer.norm3(queries + self.layer.mlp(queries))
        return queries, self.tell(queries, tokens, image, before)

    def look(self, queries: Tensor, image: Prepared, before: ImageTokens) -> Tensor:
        """Attention from tokens to image, [T, C]."""
        attention, heads, update = self.layer.cross_attn_token_to_image, self.heads, before.update
        query = heads.split_scaled(attention.q_proj(queries))
        scores = self.scores(query, image.key_2, self.key, self.key_place, before)
        weights = torch.softmax(scores, dim=-1) * before.scale
        on_rows = weights @ update.weights.T  # H T R
        seen = weights @ image.value_2 + on_rows @ (update.rows @ self.value)
        looked: Tensor = attention.out_proj(heads.merge(seen) + self.value_constant)
        return looked

    def scores(
        self, query: Tensor, image_side: Tensor, columns: Tensor, place: Tensor, before: ImageTokens
    ) -> Tensor:
        """Products [H, T, N] of tokens [H, T, d] with the image tokens projected by `columns`."""
        on_rows = query @ (before.update.rows @ columns).transpose(1, 2)  # H T R
        moved = on_rows @ before.update.weights
        return (query @ image_side + moved) * before.scale + query @ place

    def tell(
        self, queries: Tensor, tokens: Tensor, image: Prepared, before: ImageTokens
    ) -> FinalTokens:
        """Attention from image to tokens: the second update, and the norm of what it gives."""
        attention, heads = self.layer.cross_attn_image_to_token, self.heads
        key = heads.split_scaled(attention.k_proj(queries + tokens))
        value = heads.split(attention.v_proj(queries))
        scores = self.scores(key, image.query_2, self.query, self.query_place, before)
        told, products = self.spread(over_tokens(scores), value, image.out_2, image.constants[2:3])
        products = products + (told.rows @ before.gained_rows.T) @ before.update.weights
        added = added_square(told.weights, told.rows, products * before.scale)
        square = before.gained_square + added
        scale = norm_scale(square, self.width, self.epsilon)
        both = before.scale * scale
        scaled = torch.cat([before.update.weights * both, told.weights * scale])
        return FinalTokens(both, scaled, before.update.rows, told.rows)


class LastLook(nn.Module):
    """The final attention from tokens to image."""

    key_after_1: Tensor  # [H, C, d]
    key_after_2: Tensor  # [H, C, d]
    key_place: Tensor  # [H, d, N]
    value_after_1: Tensor  # [H, C, d]
    value_after_2: Tensor  # [H, C, d]
    value_constant: Tensor  # [H d]

    def __init__(self, sam: Sam, folded: Folded) -> None:
        super().__init__()
        self.transformer = sam.mask_decoder.transformer
        self.heads = heads = Heads(folded.num_heads, folded.head_dim)
        last = folded.last
        self.register_buffer("key_after_1", heads.columns(last.key_after_1))
        self.register_buffer("key_after_2", heads.columns(last.key_after_2))
        self.register_buffer("value_after_1", heads.columns(last.value_after_1))
        self.register_buffer("value_after_2", heads.columns(last.value_after_2))
        self.register_buffer("key_place", heads.rows(last.key_place.T))
        self.register_buffer("value_constant", last.value_constant.float())

    def forward(
        self, queries: Tensor, tokens: Tensor, image: Prepared, final: FinalTokens
    ) -> Tensor:
        """Finished tokens [T, C]."""
        attention, heads = self.transformer.final_attn_token_to_image, self.heads
        query = heads.split_scaled(attention.q_proj(queries + tokens))
        keys = torch.cat([final.rows_1 @ self.key_after_1, final.rows_2 @ self.key_after_2], 1)
        values = torch.cat(
            [final.rows_1 @ self.value_after_1, final.rows_2 @ self.value_after_2], 1
        )
        moved = query @ keys.transpose(1, 2) @ final.weights
        scores = (query @ image.key_3) * final.scale + moved + query @ self.key_place
        weights = torch.softmax(scores, dim=-1)  # H T N
        on_rows = weights @ final.weights.T  # H T R1+R2
        seen = (weights * final.scale) @ image.value_3 + on_rows @ values
        attended = attention.out_proj(heads.merge(seen) + self.value_constant)
        finished: Tensor = self.transformer.norm_final_attn(queries + attended)
        return finished


def self_attention(attention: Attention, queries: Tensor, values: Tensor) -> Tensor:
    """Attention among tokens: queries and keys from [T, C], values from [T, C]."""
    heads = Heads(attention.num_heads, attention.internal_dim // attention.num_heads)
    query = heads.split_scaled(attention.q_proj(queries))
    key, value = heads.split(attention.k_proj(queries)), heads.split(attention.v_proj(values))
    weights = torch.softmax(query @ key.transpose(1, 2), dim=-1)
    attended: Tensor = attention.out_proj(heads.merge(weights @ value))
    return attended


def over_tokens(scores: Tensor) -> Tensor:
    """Softmax over the tokens of [H, T, N]; by hand, since runtimes transpose for that axis."""
    powers = torch.exp(scores - scores.amax(dim=1, keepdim=True))
    return powers / powers.sum(dim=1, keepdim=True)


def added_square(weights: Tensor, rows: Tensor, products: Tensor) -> Tensor:
    """What an update adds to the squared length of tokens: `2 A.(K0 U') + A (U U') A'`, [1, N].

    `products` [R, N] are the update's rows times the tokens before it.
    """
    gram = rows @ rows.T  # R R
    return (weights * (2.0 * products + gram @ weights)).sum(dim=0, keepdim=True)


def norm_scale(square: Tensor, width: int, epsilon: float) -> Tensor:
    """The factor of a layer norm, from squared lengths; rounding may leave them below zero."""
    return torch.rsqrt(square.clamp(min=0.0) / width + epsilon)
