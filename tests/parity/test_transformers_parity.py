"""The network computes what the transformers library computes from the same weights."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import SamConfig as LibraryConfig
from transformers import (
    SamImageProcessor,
    SamMaskDecoderConfig,
    SamModel,
    SamPromptEncoderConfig,
    SamVisionConfig,
)

from common.model_frame import frame_of, upscale_logits
from model_server.sam.build import CONFIGS, VitSizes
from model_server.sam.sam import Sam, select_masks
from tests.model_server.random_weights import random_sam

TINY = CONFIGS["tiny"]
TOLERANCE = 1e-4
RENAMES = (  # official name, name in the library
    (r"^image_encoder\.", "vision_encoder."),
    (r"patch_embed\.proj\.", "patch_embed.projection."),
    (r"vision_encoder\.blocks\.", "vision_encoder.layers."),
    (r"\.norm(\d|_final_attn)\.", r".layer_norm\1."),
    (r"neck\.0\.", "neck.conv1."),
    (r"neck\.1\.", "neck.layer_norm1."),
    (r"neck\.2\.", "neck.conv2."),
    (r"neck\.3\.", "neck.layer_norm2."),
    (r"mask_downscaling\.0\.", "mask_embed.conv1."),
    (r"mask_downscaling\.1\.", "mask_embed.layer_norm1."),
    (r"mask_downscaling\.3\.", "mask_embed.conv2."),
    (r"mask_downscaling\.4\.", "mask_embed.layer_norm2."),
    (r"mask_downscaling\.6\.", "mask_embed.conv3."),
    (r"point_embeddings\.", "point_embed."),
    (
        r"pe_layer\.positional_encoding_gaussian_matrix",
        "shared_embedding.positional_embedding",
    ),
    (r"output_upscaling\.0\.", "upscale_conv1."),
    (r"output_upscaling\.1\.", "upscale_layer_norm."),
    (r"output_upscaling\.3\.", "upscale_conv2."),
    (r"(iou_prediction_head|hypernetworks_mlps\.\d)\.layers\.0\.", r"\1.proj_in."),
    (r"(iou_prediction_head|hypernetworks_mlps\.\d)\.layers\.1\.", r"\1.layers.0."),
    (r"(iou_prediction_head|hypernetworks_mlps\.\d)\.layers\.2\.", r"\1.proj_out."),
)


def to_library_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, value in state.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    matrix = renamed["prompt_encoder.shared_embedding.positional_embedding"]
    renamed["shared_image_embedding.positional_embedding"] = matrix
    return renamed


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Sam, SamModel]]:
    sizes = TINY.encoder
    assert isinstance(sizes, VitSizes)
    library = SamModel(
        LibraryConfig(
            vision_config=SamVisionConfig(
                hidden_size=sizes.width,
                output_channels=TINY.embed_dim,
                num_hidden_layers=sizes.depth,
                num_attention_heads=sizes.num_heads,
                image_size=TINY.input_size,
                window_size=sizes.window,
                global_attn_indexes=list(sizes.global_blocks),
                num_pos_feats=TINY.embed_dim // 2,
            ).to_dict(),
            prompt_encoder_config=SamPromptEncoderConfig(
                hidden_size=TINY.embed_dim, image_size=TINY.input_size
            ).to_dict(),
            mask_decoder_config=SamMaskDecoderConfig(
                hidden_size=TINY.embed_dim,
                mlp_dim=TINY.decoder_mlp_dim,
                iou_head_hidden_dim=TINY.iou_head_hidden_dim,
                layer_norm_eps=1e-5,  # what the published decoder runs with
            ).to_dict(),
        )
    ).eval()
    sam = random_sam(TINY)
    library.load_state_dict(to_library_names(sam.state_dict()), strict=True)
    with torch.inference_mode():
        yield sam, library


def draw(*shape: int, seed: int = 1, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


def test_embeddings_of_two_images_agree(pair: tuple[Sam, SamModel]) -> None:
    sam, library = pair
    pixels = draw(2, 3, 128, 128)
    assert_close(sam.image_encoder(pixels), library.get_image_embeddings(pixels))


@pytest.mark.parametrize(
    "kind", ["points", "boxes", "points and boxes", "masks", "points and masks"]
)
def test_prompt_embeddings_agree(pair: tuple[Sam, SamModel], kind: str) -> None:
    sam, library = pair
    points = 128 * draw(1, 3, 2, 2).sigmoid() if "points" in kind else None  # 3 prompts of 2 points
    labels = torch.tensor([[[1, 0], [0, 1], [1, 1]]]) if "points" in kind else None
    boxes = 128 * draw(1, 3, 4, seed=2).sigmoid() if "boxes" in kind else None
    masks = draw(3, 1, 32, 32, seed=3, scale=4.0) if "masks" in kind else None
    sparse, dense = sam.prompt_encoder(
        None if points is None else points[0],
        None if labels is None else labels[0],
        None if boxes is None else boxes[0],
        masks,
    )
    their_sparse, their_dense = library.get_prompt_embeddings(points, labels, boxes, masks)
    if their_sparse is not None:
        assert_close(sparse, their_sparse[0])
    else:
        assert sparse.shape == (3, 0, 32)
    assert_close(dense, their_dense.expand_as(dense))


@pytest.mark.parametrize(("num_images", "num_prompts"), [(1, 1), (1, 3), (2, 1), (2, 3)])
@pytest.mark.parametrize("several", [False, True])
def test_masks_and_predicted_iou_agree(
    pair: tuple[Sam, SamModel], num_images: int, num_prompts: int, several: bool
) -> None:
    sam, library = pair
    embeddings = draw(num_images, 32, 8, 8)
    points = 128 * draw(num_images, num_prompts, 2, 2).sigmoid()
    labels = (draw(num_images, num_prompts, 2, seed=4) > 0).int()
    masks, iou = sam.decode(embeddings, points.flatten(0, 1), labels.flatten(0, 1), None, None)
    masks, iou = select_masks(masks, iou, several=several)
    theirs = library(
        image_embeddings=embeddings,
        input_points=points,
        input_labels=labels,
        multimask_output=not several,
    )
    assert_close(masks, theirs.pred_masks.flatten(0, 1))
    assert_close(iou, theirs.iou_scores.flatten(0, 1))


def test_full_size_logits_of_a_wide_image_agree(pair: tuple[Sam, SamModel]) -> None:
    sam, _ = pair
    masks = draw(2, 3, 32, 32, scale=5.0)
    frame = frame_of(width=150, height=71, input_size=128, low_res_size=32)
    resized, original = (frame.new_height, frame.new_width), (frame.height, frame.width)
    ours = sam.postprocess_masks(masks, resized, original)
    theirs = SamImageProcessor(
        mask_size={"longest_edge": 32}, pad_size={"height": 128, "width": 128}
    ).post_process_masks(masks.unsqueeze(0), [original], [resized], binarize=False)[0]
    assert_close(ours, theirs)


def test_direct_upscaling_differs_from_two_steps_only_along_edges(
    pair: tuple[Sam, SamModel],
) -> None:
    sam, _ = pair
    rough = draw(1, 1, 8, 8, scale=5.0)
    masks = torch.nn.functional.interpolate(rough, (32, 32), mode="bicubic")
    frame = frame_of(width=150, height=71, input_size=128, low_res_size=32)
    two_steps = sam.postprocess_masks(masks, (frame.new_height, frame.new_width), (71, 150))[0, 0]
    direct = upscale_logits(masks[0, 0].numpy(), frame)
    assert np.mean((two_steps.numpy() > 0) != (direct > 0)) < 0.01
