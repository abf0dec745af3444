"""The graphs that run for every prompt, on what `Prepare` made of the image."""

import torch
from torch import Tensor, nn

from model_server.sam.edges import follow_edges
from model_server.sam.geodesic import steps_of
from model_server.sam.mask_decoder import MLP, NUM_MASK_TOKENS, weigh_maps
from model_server.sam.sam import Sam
from onnx_export.attention import OWN_TOKENS, FirstLayer, LastLook, SecondLayer
from onnx_export.constants import Folded
from onnx_export.prepare import Prepared
from onnx_export.prompt import DenseRows, GeodesicRows, Tokens, has_dense_rows
from onnx_export.upscaling import Upscaling


class Decode(nn.Module):
    """Four masks and their predicted IoU for one prompt; with or without a mask prompt."""

    def __init__(self, sam: Sam, folded: Folded, *, mask_prompt: bool) -> None:
        super().__init__()
        self.mask_prompt = mask_prompt
        self.tokens = Tokens(sam)
        self.geodesic = GeodesicRows(sam)
        drawn = has_dense_rows(sam, mask_prompt=mask_prompt)
        self.dense = DenseRows(sam, mask_prompt=mask_prompt) if drawn else None
        num_rows = folded.dense.channels.shape[0] + mask_prompt if drawn else 0
        self.first = FirstLayer(sam, folded, num_dense_rows=num_rows, bounded=mask_prompt)
        self.second = SecondLayer(sam, folded, bounded=mask_prompt)
        self.last = LastLook(sam, folded)
        self.upscaling = Upscaling(sam, folded)
        self.num_drawn = folded.width // 8
        self.mask_heads = MaskHeads(sam)
        self.mask_decoder = sam.mask_decoder

    def forward(
        self,
        prepared: Prepared,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Decode coords [1, P, 2], labels [1, P] in the model frame, padding included, P >= 1.

        Returns low-res logits [1, 4, 4g, 4g] and predicted IoU [1, 4].
        """
        tokens = self.tokens(point_coords, point_labels)
        maps = self.geodesic(prepared, point_coords, point_labels)
        dense = None
        if self.dense is not None:
            dense = self.dense(point_coords, point_labels, mask_input, maps)
        queries, image = self.first(tokens, prepared, dense)
        queries, final = self.second(queries, tokens, prepared, image)
        # Of the prompt's tokens nothing is read any more.
        queries = self.last(queries[:OWN_TOKENS], tokens[:OWN_TOKENS], prepared, final)
        weights = self.mask_heads(queries[1:])
        drawn, direct = weights[:, : self.num_drawn], weights[:, self.num_drawn :]
        logits = self.upscaling(prepared, final, drawn)
        if maps is not None and prepared.border is not None:
            every = torch.cat([steps_of(prepared.border), maps], 1)
            logits = logits + weigh_maps(direct.unsqueeze(0), every)
        guide = prepared.guide
        if guide is not None:
            logits = follow_edges(logits, guide, NUM_MASK_TOKENS)
        return logits, self.mask_decoder.predict_iou(queries[0:1], logits)


class MaskHeads(nn.Module):
    """The four networks that turn mask tokens into mask weights, side by side."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        networks = [m for m in sam.mask_decoder.output_hypernetworks_mlps if isinstance(m, MLP)]
        layers = list(zip(*(network.layers for network in networks), strict=True))
        weights = [torch.stack([x.weight.detach().T for x in same]) for same in layers]
        biases = [torch.stack([x.bias.detach() for x in same]).unsqueeze(1) for same in layers]
        self.weights = nn.ParameterList(w.contiguous() for w in weights)  # each K in out
        self.biases = nn.ParameterList(biases)  # each K 1 out

    def forward(self, mask_tokens: Tensor) -> Tensor:
        """Mask tokens [K, C] to mask weights [K, C/8 + maps]."""
        x = mask_tokens.unsqueeze(1)  # K 1 C
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            x = torch.relu(x @ weight + bias)
        mask_weights: Tensor = (x @ last[0] + last[1])[:, 0]
        return mask_weights
