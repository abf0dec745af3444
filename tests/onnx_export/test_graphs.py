"""The ONNX graphs: names, shapes, free axes, and numbers equal to torch."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from common.manifest import ENCODER_GRAPH
from model_server.sam.build import TINY
from model_server.sam.sam import Sam
from onnx_export.graphs import UnusableGraph, check_standalone, export_graph, plan_graphs
from onnx_export.verify import Difference, VerificationFailed, refuse_large, verify_graphs
from tests.onnx_export.networks import lively_network

GRID, LOW_RES = 8, 32  # of the tiny networks
OFFICIAL_INPUTS = {
    "image_embeddings": [1, 32, GRID, GRID],
    "point_coords": [1, "num_points", 2],
    "point_labels": [1, "num_points"],
    "mask_input": [1, 1, LOW_RES, LOW_RES],
    "has_mask_input": [1],
    "orig_im_size": [2],
}


@pytest.fixture(scope="module")
def tiny() -> tuple[Sam, dict[str, bytes]]:
    sam = lively_network(TINY)
    return sam, {name: export_graph(plan) for name, plan in plan_graphs(sam).items()}


def inputs_of(graph: bytes) -> dict[str, list[int | str]]:
    session = onnxruntime.InferenceSession(graph)
    return {value.name: value.shape for value in session.get_inputs()}


def outputs_of(graph: bytes) -> list[str]:
    return [value.name for value in onnxruntime.InferenceSession(graph).get_outputs()]


def test_every_graph_agrees_with_the_network(tiny: tuple[Sam, dict[str, bytes]]) -> None:
    sam, graphs = tiny
    found = verify_graphs(sam, graphs)
    assert {difference.graph for difference in found} == set(graphs) - {"prepare.onnx"}


def test_without_an_encoder_graph_all_others_are_compared_as_before(
    tiny: tuple[Sam, dict[str, bytes]],
) -> None:
    sam, graphs = tiny
    plans = plan_graphs(sam, encoder_limit_bytes=0)
    assert set(graphs) - set(plans) == {ENCODER_GRAPH}
    found = verify_graphs(sam, {name: graphs[name] for name in plans})
    before = [one for one in verify_graphs(sam, graphs) if one.graph != ENCODER_GRAPH]
    assert [(one.graph, one.case) for one in found] == [(one.graph, one.case) for one in before]
    assert len(found) > 50


def test_the_official_graph_has_the_published_inputs_and_outputs(
    tiny: tuple[Sam, dict[str, bytes]],
) -> None:
    graph = tiny[1]["official.onnx"]
    assert inputs_of(graph) == OFFICIAL_INPUTS
    assert outputs_of(graph) == ["masks", "iou_predictions", "low_res_masks"]


def test_the_official_graph_answers_at_the_size_of_the_original_image(
    tiny: tuple[Sam, dict[str, bytes]],
) -> None:
    session = onnxruntime.InferenceSession(tiny[1]["official.onnx"])
    for height, width in ((41, 90), (300, 77)):
        masks, iou, low_res = session.run(None, official_inputs(height, width))
        assert masks.shape == (1, 1, height, width)
        assert iou.shape == (1, 1)
        assert low_res.shape == (1, 1, LOW_RES, LOW_RES)


def official_inputs(height: int, width: int) -> Mapping[str, np.ndarray]:
    return {
        "image_embeddings": np.ones((1, 32, GRID, GRID), np.float32),
        "point_coords": np.array([[[20, 9], [0, 0]]], np.float32),
        "point_labels": np.array([[1, -1]], np.float32),
        "mask_input": np.zeros((1, 1, LOW_RES, LOW_RES), np.float32),
        "has_mask_input": np.zeros(1, np.float32),
        "orig_im_size": np.array([height, width], np.float32),
    }


def test_browser_graphs_take_the_prepared_tensors_and_any_number_of_points(
    tiny: tuple[Sam, dict[str, bytes]],
) -> None:
    graphs = tiny[1]
    prepared = outputs_of(graphs["prepare.onnx"])
    for name, extra in (("decode.onnx", []), ("refine.onnx", ["mask_input"])):
        inputs = inputs_of(graphs[name])
        assert list(inputs) == [*prepared, "point_coords", "point_labels", *extra]
        assert inputs["point_coords"] == [1, "num_points", 2]
        assert outputs_of(graphs[name]) == ["low_res_masks", "iou_predictions"]


def test_a_graph_of_another_network_fails_verification(tiny: tuple[Sam, dict[str, bytes]]) -> None:
    sam = lively_network(TINY)
    sam.mask_decoder.mask_tokens.weight.data[1] += 0.5
    with pytest.raises(VerificationFailed, match="comparisons above 0.001: decode.onnx noise, 1"):
        verify_graphs(sam, tiny[1])


def test_a_difference_that_is_no_number_fails_verification() -> None:
    with pytest.raises(VerificationFailed, match="refine.onnx a box: nan"):
        refuse_large([Difference("refine.onnx", "a box", float("nan"))])


def test_a_graph_with_tensors_in_another_file_is_refused(
    tiny: tuple[Sam, dict[str, bytes]], tmp_path: Path
) -> None:
    model = onnx.load_from_string(tiny[1]["prepare.onnx"])
    path = tmp_path / "prepare.onnx"
    onnx.save(model, path, save_as_external_data=True, location="tensors.bin", size_threshold=0)
    with pytest.raises(UnusableGraph, match="tensors outside the file: "):
        check_standalone(path.read_bytes())
