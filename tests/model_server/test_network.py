"""The network's parts do what their docstrings say, at any batch and frame."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from model_server.sam.build import CONFIGS, build_sam, load_weights, read_config
from model_server.sam.convert import BadCheckpoint, convert
from model_server.sam.mask_decoder import MaskDecoder
from model_server.sam.predictor import Predictor
from model_server.sam.prompt_encoder import PromptEncoder
from model_server.sam.sam import best_candidate, select_masks
from model_server.sam.tiny_encoder import offset_numbers
from tests.model_server.random_weights import random_sam

NAMES = ("tiny", "tiny_maps")


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_prompts_of_two_images_do_not_mix(name: str) -> None:
    """A batch of two images with three prompts each equals six single decodes."""
    config = CONFIGS[name]
    sam = random_sam(config)
    generator = torch.Generator().manual_seed(1)
    shape = (2, config.embedding_channels, config.grid, config.grid)
    embeddings = torch.randn(shape, generator=generator)
    points = 128 * torch.rand(6, 2, 2, generator=generator)
    labels = torch.tensor([[1, 0]]).repeat(6, 1)
    with torch.inference_mode():
        together, iou = sam.decode(embeddings, points, labels, None, None)
        for prompt in range(6):
            image = embeddings[prompt // 3 : prompt // 3 + 1]
            one = slice(prompt, prompt + 1)
            alone, alone_iou = sam.decode(image, points[one], labels[one], None, None)
            torch.testing.assert_close(together[one], alone, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(iou[one], alone_iou, rtol=1e-4, atol=1e-4)


def test_prompts_that_cannot_be_shared_out_are_refused() -> None:
    sam = random_sam(CONFIGS["tiny"])
    with pytest.raises(ValueError, match="3 prompts cannot be shared by 2 images"):
        sam.decode(torch.zeros(2, 32, 8, 8), torch.zeros(3, 1, 2), torch.ones(3, 1), None, None)


@pytest.mark.parametrize("name", ["vit_t", "tiny_maps", "compact"])
def test_a_convolutional_encoder_takes_other_frames(name: str) -> None:
    config = replace(CONFIGS[name], input_size=96)
    with torch.inference_mode():
        embedding = build_sam(config).image_encoder(torch.randn(1, 3, 96, 96))
    assert embedding.shape == (1, config.embedding_channels, config.grid, config.grid)


@pytest.mark.parametrize("name", ["tiny", "tiny_maps"])
def test_drawing_masks_equals_the_transposed_convolutions(name: str) -> None:
    """Two prompts on one image; detail joins before the last activation."""
    config = CONFIGS[name]
    decoder: MaskDecoder = random_sam(config).mask_decoder
    grid = config.grid
    keys, weights = torch.randn(2, grid * grid, 32), torch.randn(2, 4, 4)
    embedding = torch.randn(1, config.embedding_channels, grid, grid)
    upscaled = decoder.output_upscaling[:-1](keys.transpose(1, 2).unflatten(2, (grid, grid)))
    if decoder.detail_upscaling is not None:
        decoder.detail_upscaling.weight.data.normal_()
        detail = embedding[:, 32 : 32 + 4 * config.detail_channels]
        upscaled = upscaled + decoder.detail_upscaling(F.pixel_shuffle(detail, 2))
    upscaled = decoder.output_upscaling[-1](upscaled)
    expected = (weights @ upscaled.flatten(2)).unflatten(2, (4 * grid, 4 * grid))
    found = decoder.draw_masks(keys, weights, decoder.draw_detail(embedding), grid)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_tiny_vit_numbers_offsets_by_first_appearance() -> None:
    numbers = offset_numbers(3)
    assert numbers[0].tolist() == list(range(9))
    assert numbers.max() == 8 and (numbers == numbers.T).all()


def test_a_box_and_its_corner_points_are_the_same_prompt() -> None:
    encoder: PromptEncoder = random_sam(CONFIGS["tiny_maps"]).prompt_encoder
    box = torch.tensor([[20.0, 30.0, 70.5, 90.0]])
    by_box = encoder(None, None, box, None)
    coords, labels = box.reshape(1, 2, 2), torch.tensor([[2.0, 3.0]])
    assert torch.equal(by_box[0], encoder.embed_points(coords, labels))
    assert torch.equal(by_box[1], encoder.embed_dense(coords, labels, None, None))


def test_prompt_maps_draw_discs_and_the_inside_of_the_box() -> None:
    encoder: PromptEncoder = random_sam(CONFIGS["tiny_maps"]).prompt_encoder
    # Low-res pixels are two frame pixels wide: (21.5, 41.5) is the centre of pixel (11, 21) - 0.5.
    coords = torch.tensor([[[21.5, 41.5], [90.0, 20.0], [0.0, 0.0], [9.5, 19.5], [49.5, 99.5]]])
    foreground, background, inside = encoder.draw_prompt_maps(
        coords, torch.tensor([[1.0, 0.0, -1.0, 2.0, 3.0]])
    )[0]
    assert foreground[21, 11] == 1 and foreground[21, 16] == 0 and foreground[40, 11] == 0
    assert background[10, 45] == 1 and background[21, 11] == 0
    assert foreground.sum() == pytest.approx(np.pi * 3**2, rel=0.1)
    assert foreground[0, 0] == background[0, 0] == 0
    assert inside[10:50, 5:25].min() == 1 and inside.sum() == 40 * 20


def test_a_mask_that_does_not_count_equals_no_mask() -> None:
    for name in NAMES:
        sam = random_sam(CONFIGS[name])
        side = sam.prompt_encoder.low_res_size
        points, labels = torch.tensor([[[30.0, 50.0]]]), torch.ones(1, 1)
        without = sam.prompt_encoder(points, labels, None, None)[1]
        logits = torch.randn(1, 1, side, side)
        blended = sam.prompt_encoder(points, labels, None, logits, torch.zeros(1))[1]
        torch.testing.assert_close(blended, without)
        assert not torch.allclose(sam.prompt_encoder(points, labels, None, logits)[1], without)


def test_selection_keeps_three_for_one_prompt_and_the_first_for_several() -> None:
    masks, iou = torch.arange(8.0).reshape(2, 4, 1, 1), torch.tensor([[0.9, 0.1, 0.7, 0.2]] * 2)
    lone, lone_iou = select_masks(masks, iou, several=False)
    assert lone.flatten().tolist() == [1, 2, 3, 5, 6, 7]
    assert best_candidate(lone, lone_iou)[0].flatten().tolist() == [2, 6]
    assert select_masks(masks, iou, several=True)[0].flatten().tolist() == [0, 4]


@pytest.mark.parametrize("name", NAMES)
def test_the_predictor_offers_three_ranked_candidates_then_one(name: str) -> None:
    predictor = Predictor(random_sam(CONFIGS[name]))
    embedding = predictor.embed(picture())
    one = predictor.predict(embedding, points=np.array([[40.0, 20.0]]), labels=np.array([1.0]))
    assert sorted(candidate.token for candidate in one) == [1, 2, 3]
    assert [c.predicted_iou for c in one] == sorted((c.predicted_iou for c in one), reverse=True)
    assert all(c.mask.shape == (60, 90) and c.mask.dtype == bool for c in one)
    two = predictor.predict(
        embedding,
        points=np.array([[40.0, 20.0], [80.0, 5.0]]),
        labels=np.array([1.0, 0.0]),
        previous_logits=one[0].low_res_logits,
    )
    assert [candidate.token for candidate in two] == [0]
    boxed = predictor.predict(
        embedding, points=np.zeros((0, 2)), labels=np.zeros(0), box=np.array([5.0, 8, 60, 50])
    )
    assert len(boxed) == 3


def test_the_predictor_keeps_nothing_between_calls() -> None:
    predictor = Predictor(random_sam(CONFIGS["tiny"]))
    embedding = predictor.embed(picture())
    prompt = {"points": np.array([[40.0, 20.0]]), "labels": np.array([1.0])}
    first = predictor.predict(embedding, **prompt)
    predictor.predict(predictor.embed(picture(30, 70)), **prompt)
    again = predictor.predict(embedding, **prompt)
    assert np.array_equal(first[0].low_res_logits, again[0].low_res_logits)


def test_an_official_checkpoint_is_converted_and_loads(tmp_path: Path) -> None:
    sam = random_sam(CONFIGS["tiny"])
    torch.save(sam.state_dict(), tmp_path / "official.pth")
    path = convert(tmp_path / "official.pth", "tiny", tmp_path / "out")
    assert json.loads(path.with_suffix(".json").read_text())["name"] == "tiny"
    loaded = build_sam(read_config(path.with_suffix(".json")))
    load_weights(loaded, path)
    for name, value in sam.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


def test_a_checkpoint_with_a_missing_entry_is_refused(tmp_path: Path) -> None:
    state = random_sam(CONFIGS["tiny"]).state_dict()
    del state["mask_decoder.iou_token.weight"]
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(BadCheckpoint, match=r"does not fit tiny: 1 entry missing .*iou_token"):
        convert(tmp_path / "broken.pth", "tiny", tmp_path / "out")


def test_a_checkpoint_of_another_network_says_which_one_it_fits(tmp_path: Path) -> None:
    torch.save(random_sam(CONFIGS["tiny_maps"]).state_dict(), tmp_path / "maps.pth")
    with pytest.raises(BadCheckpoint, match=r"does not fit tiny: .* It fits tiny_maps\.$"):
        convert(tmp_path / "maps.pth", "tiny", tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Trap:
    """An object that writes a file when somebody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("where", ["beside the weights", "instead of them"])
def test_a_file_that_would_run_code_is_refused_unrun(tmp_path: Path, where: str) -> None:
    state = {**random_sam(CONFIGS["tiny"]).state_dict(), "trap": Trap(tmp_path / "sprung")}
    torch.save(state if where == "beside the weights" else state["trap"], tmp_path / "trap.pth")
    with pytest.raises(BadCheckpoint, match="could run code on this server"):
        convert(tmp_path / "trap.pth", "tiny", tmp_path / "out")
    assert not (tmp_path / "sprung").exists()
    torch.load(tmp_path / "trap.pth", weights_only=False)
    assert (tmp_path / "sprung").exists(), "the trap is one"


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"PK\x03\x04 half an archive"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged.pth").write_bytes(content)
    with pytest.raises(BadCheckpoint, match="damaged"):
        convert(tmp_path / "damaged.pth", "tiny", tmp_path / "out")


def test_a_checkpoint_that_is_no_flat_dictionary_is_refused(tmp_path: Path) -> None:
    torch.save({"model": random_sam(CONFIGS["tiny"]).state_dict()}, tmp_path / "nested.pth")
    with pytest.raises(BadCheckpoint, match="no flat dictionary of tensors"):
        convert(tmp_path / "nested.pth", "tiny", tmp_path / "out")


def test_half_precision_weights_become_single(tmp_path: Path) -> None:
    from_half = random_sam(CONFIGS["tiny_maps"])
    stored = {
        key: value.half() if value.is_floating_point() else value
        for key, value in from_half.state_dict().items()
    }
    save_file(stored, str(tmp_path / "half.safetensors"))
    sam = build_sam(CONFIGS["tiny_maps"])
    load_weights(sam, tmp_path / "half.safetensors")
    assert {p.dtype for p in sam.parameters()} == {torch.float32}


def test_the_shipped_weights_load_strictly() -> None:
    weights = Path(__file__).parents[2] / "model_server" / "weights" / "compact.safetensors"
    sam = build_sam(read_config(weights.with_suffix(".json")))
    load_weights(sam, weights)
    assert weights.stat().st_size < 20 * 1024 * 1024
