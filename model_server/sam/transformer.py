"""Two-way transformer between prompt tokens and image tokens (paper, appendix A)."""

import math

import torch
from torch import Tensor, nn

from model_server.sam.common import MLPBlock


class Attention(nn.Module):
    """Multi-head attention whose inner width may be smaller than the embedding."""

    def __init__(self, embed_dim: int, num_heads: int, downsample_rate: int = 1) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.internal_dim = embed_dim // downsample_rate
        if self.internal_dim % num_heads:
            raise ValueError(f"{num_heads} heads do not divide the width {self.internal_dim}")
        self.scale = math.sqrt(num_heads / self.internal_dim)
        self.q_proj = nn.Linear(embed_dim, self.internal_dim)
        self.k_proj = nn.Linear(embed_dim, self.internal_dim)
        self.v_proj = nn.Linear(embed_dim, self.internal_dim)
        self.out_proj = nn.Linear(self.internal_dim, embed_dim)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # P heads T c

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend from q [P, Tq, C] to k and v [P, Tk, C]; returns [P, Tq, C]."""
        query = self._split(self.q_proj(q)) * self.scale
        key = self._split(self.k_proj(k))
        value = self._split(self.v_proj(v))
        weights = torch.softmax(query @ key.transpose(-1, -2), dim=-1)
        return self.out_proj((weights @ value).transpose(1, 2).flatten(2))


class CrossAttention(Attention):
    """Attention between a few tokens and many image cells.

    The heads of the tokens are laid out as separate rows that are zero outside their head's
    channels: eight times the products of the small side, but the image side, which is thousands
    of rows, is never reordered. On a CPU that is twice as fast as splitting it into heads.
    """

    def _heads(self, like: Tensor) -> Tensor:
        """Which channels belong to which head, [heads, I] of 0 and 1."""
        channel = torch.arange(self.internal_dim, device=like.device)
        head = torch.arange(self.num_heads, device=like.device).unsqueeze(1)
        return (channel // (self.internal_dim // self.num_heads) == head).to(like.dtype)

    def _spread(self, tokens: Tensor) -> Tensor:
        """Tokens [P, T, I] as one row per token and head, [P, T * heads, I]."""
        return (tokens.unsqueeze(2) * self._heads(tokens)).flatten(1, 2)


class TokenToImageAttention(CrossAttention):
    """Tokens ask, the image answers."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend from tokens q [P, T, C] to image cells k and v [P, gg, C]; returns [P, T, C]."""
        query = self._spread(self.q_proj(q) * self.scale)
        weights = torch.softmax(query @ self.k_proj(k).transpose(1, 2), dim=-1)  # P T*heads gg
        rows = (weights @ self.v_proj(v)).unflatten(1, (-1, self.num_heads))  # P T heads I
        return self.out_proj((rows * self._heads(rows)).sum(2))


class ImageToTokenAttention(CrossAttention):
    """Image cells ask, the tokens answer."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend from image cells q [P, gg, C] to tokens k and v [P, T, C]; returns [P, gg, C]."""
        key = self._spread(self.k_proj(k) * self.scale)
        scores = key @ self.q_proj(q).transpose(1, 2)  # P T*heads gg
        weights = torch.softmax(scores.unflatten(1, (-1, self.num_heads)), dim=1)
        value = self._spread(self.v_proj(v))
        return self.out_proj(weights.flatten(1, 2).transpose(1, 2) @ value)


class TwoWayAttentionBlock(nn.Module):
    """Self-attention of tokens, tokens to image, MLP, image to tokens; post-norm."""

    def __init__(
        self, embed_dim: int, num_heads: int, mlp_dim: int, *, skip_first_layer_pe: bool
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embed_dim, num_heads)
        self.norm1 = nn.LayerNorm(embed_dim)
        self.cross_attn_token_to_image = TokenToImageAttention(embed_dim, num_heads, 2)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.mlp = MLPBlock(embed_dim, mlp_dim, nn.ReLU)
        self.norm3 = nn.LayerNorm(embed_dim)
        self.norm4 = nn.LayerNorm(embed_dim)
        self.cross_attn_image_to_token = ImageToTokenAttention(embed_dim, num_heads, 2)
        self.skip_first_layer_pe = skip_first_layer_pe
        self.dropout = nn.Dropout(0.0)  # training sets its share

    def forward(
        self, queries: Tensor, keys: Tensor, query_pe: Tensor, key_pe: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update tokens [P, T, C] and image tokens [P, gg, C]; returns both."""
        if self.skip_first_layer_pe:
            queries = self.dropout(self.self_attn(queries, queries, queries))
        else:
            q = queries + query_pe
            queries = queries + self.dropout(self.self_attn(q, q, queries))
        queries = self.norm1(queries)
        k = keys + key_pe
        attended = self.cross_attn_token_to_image(queries + query_pe, k, keys)
        queries = queries + self.dropout(attended)
        queries = self.norm2(queries)
        queries = self.norm3(queries + self.dropout(self.mlp(queries)))
        attended = self.cross_attn_image_to_token(k, queries + query_pe, queries)
        return queries, self.norm4(keys + self.dropout(attended))


class TwoWayTransformer(nn.Module):
    """The decoder's transformer: `depth` two-way blocks, then tokens look at the image once more."""

    def __init__(self, *, depth: int, embed_dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayAttentionBlock(embed_dim, num_heads, mlp_dim, skip_first_layer_pe=index == 0)
            for index in range(depth)
        )
        self.final_attn_token_to_image = TokenToImageAttention(embed_dim, num_heads, 2)
        self.norm_final_attn = nn.LayerNorm(embed_dim)
        self.dropout = nn.Dropout(0.0)  # training sets its share

    def forward(self, image: Tensor, image_pe: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Mix image [P, C, g, g] with tokens [P, T, C].

        `image_pe` is [1, C, g, g]. Returns tokens [P, T, C] and image tokens [P, gg, C].
        """
        keys = image.flatten(2).transpose(1, 2)  # P gg C
        key_pe = image_pe.flatten(2).transpose(1, 2).to(keys.dtype)  # 1 gg C
        queries = tokens
        for layer in self.layers:
            queries, keys = layer(queries, keys, tokens, key_pe)
        attended = self.final_attn_token_to_image(queries + tokens, keys + key_pe, keys)
        return self.norm_final_attn(queries + self.dropout(attended)), keys
