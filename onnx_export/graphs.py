"""Turns modules into ONNX graphs that stand alone in one file."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from torch import Tensor, nn

from common.manifest import ENCODER_GRAPH
from model_server.sam.sam import Sam
from onnx_export.constants import Folded, fold
from onnx_export.decode import Decode
from onnx_export.encoder import ENCODER_LIMIT_BYTES, Encoder, count_encoder_bytes
from onnx_export.official import Official
from onnx_export.prepare import Prepare, Prepared

OPSET = 20  # the first with a Gelu operator
NUM_POINTS = "num_points"
POINT_INPUTS = ("point_coords", "point_labels")  # their axis 1 is free
EXAMPLE_POINTS = 3
LOW_RES_OUTPUTS = ("low_res_masks", "iou_predictions")
OFFICIAL_OUTPUTS = ("masks", "iou_predictions", "low_res_masks")


class UnusableGraph(Exception):
    """A graph needs more than its own file, or does not have the promised inputs."""


@dataclass(frozen=True)
class GraphPlan:
    """One graph: its module, example inputs by name, and output names."""

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]


class NamedPrepare(nn.Module):
    """`Prepare` without the tensors that this network does not have."""

    def __init__(self, prepare: Prepare) -> None:
        super().__init__()
        self.prepare = prepare

    def forward(self, image_embeddings: Tensor) -> tuple[Tensor, ...]:
        """The tensors of `Prepared` that are there, in their order."""
        return tuple(self.prepare(image_embeddings).named().values())


class FlatDecode(nn.Module):
    """`Decode` with one argument per tensor, as a graph has."""

    def __init__(self, decode: Decode, prepared: Sequence[str]) -> None:
        super().__init__()
        self.decode, self.prepared = decode, tuple(prepared)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        """Prepared tensors, then the prompt."""
        count = len(self.prepared)
        prepared = Prepared(**dict(zip(self.prepared, tensors[:count], strict=True)))
        masks, iou = self.decode(prepared, *tensors[count:])
        return masks, iou


def plan_graphs(
    sam: Sam, *, encoder_limit_bytes: int = ENCODER_LIMIT_BYTES
) -> dict[str, GraphPlan]:
    """All graphs of a network, by the name of their file.

    An encoder of more bytes than the limit has none: here alone that is decided.
    """
    folded = fold(sam)
    size = sam.prompt_encoder.input_size
    prepare = NamedPrepare(Prepare(sam, folded)).eval()
    embeddings = example_embeddings(sam)
    with torch.no_grad():
        prepared = prepare.prepare(*embeddings.values()).named()
    plans = {}
    if count_encoder_bytes(sam) <= encoder_limit_bytes:
        image = {"image": torch.zeros(1, 3, size, size)}
        plans[ENCODER_GRAPH] = GraphPlan(Encoder(sam), image, ["image_embeddings"])
    return plans | {
        "prepare.onnx": GraphPlan(prepare, embeddings, list(prepared)),
        "decode.onnx": plan_decode(sam, folded, prepared, mask_prompt=False),
        "refine.onnx": plan_decode(sam, folded, prepared, mask_prompt=True),
        "official.onnx": plan_official(sam, embeddings),
    }


def plan_decode(
    sam: Sam, folded: Folded, prepared: Mapping[str, Tensor], *, mask_prompt: bool
) -> GraphPlan:
    """The graph for one prompt on a prepared image."""
    inputs = {**prepared, **example_points()}
    if mask_prompt:
        inputs |= {"mask_input": example_mask(folded.grid)}
    module = FlatDecode(Decode(sam, folded, mask_prompt=mask_prompt), list(prepared))
    return GraphPlan(module, inputs, LOW_RES_OUTPUTS)


def plan_official(sam: Sam, embeddings: Mapping[str, Tensor]) -> GraphPlan:
    """The graph of the published contract, with the single mask that its demonstration shows."""
    size = float(sam.prompt_encoder.input_size)
    inputs = {
        **embeddings,
        **example_points(),
        "mask_input": example_mask(sam.prompt_encoder.grid),
        "has_mask_input": torch.ones(1),
        "orig_im_size": torch.tensor([0.75 * size, size]),
    }
    return GraphPlan(Official(sam), inputs, OFFICIAL_OUTPUTS)


def example_embeddings(sam: Sam) -> dict[str, Tensor]:
    """An embedding of the right shape."""
    grid = sam.prompt_encoder.grid
    return {"image_embeddings": torch.zeros(1, sam.embedding_channels, grid, grid)}


def example_points() -> dict[str, Tensor]:
    """Points of the right shape; their number is free."""
    return {
        "point_coords": torch.zeros(1, EXAMPLE_POINTS, 2),
        "point_labels": torch.ones(1, EXAMPLE_POINTS),
    }


def example_mask(grid: int) -> Tensor:
    """Previous logits of the right shape."""
    return torch.zeros(1, 1, 4 * grid, 4 * grid)


def export_graph(plan: GraphPlan) -> bytes:
    """The ONNX file of a plan, checked to stand alone.

    Written by the tracing exporter: ten times faster than the newer one, and nothing in these
    modules branches on data. Its deprecation warning is no news to the person exporting.
    """
    free = {name: {1: NUM_POINTS} for name in POINT_INPUTS if name in plan.inputs}
    if "masks" in plan.outputs:
        free["masks"] = {2: "height", 3: "width"}
    with warnings.catch_warnings(), torch.no_grad(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        written = Path(folder) / "graph.onnx"
        torch.onnx.export(
            plan.module.eval(),
            tuple(plan.inputs.values()),
            str(written),
            input_names=list(plan.inputs),
            output_names=list(plan.outputs),
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(str(written), load_external_data=False)
    declare_inputs(model, plan.inputs)
    content = bytes(model.SerializeToString())
    check_standalone(content)
    return content


def declare_inputs(model: onnx.ModelProto, inputs: Mapping[str, Tensor]) -> None:
    """Declare inputs that tracing dropped because nothing reads them, so that all may be fed."""
    present = {value.name: value for value in model.graph.input}
    for name, example in inputs.items():
        if name not in present:
            kind = onnx.TensorProto.FLOAT
            present[name] = onnx.helper.make_tensor_value_info(name, kind, list(example.shape))
    ordered = [present[name] for name in inputs]
    del model.graph.input[:]
    model.graph.input.extend(ordered)


def check_standalone(content: bytes) -> None:
    """Refuse a graph that is invalid or that keeps tensors in another file.

    Raises:
        UnusableGraph: with the names of the tensors.
    """
    model = onnx.load_from_string(content)
    outside = [t.name for t in model.graph.initializer if t.data_location == t.EXTERNAL]
    if outside:
        raise UnusableGraph(f"tensors outside the file: {', '.join(outside)}")
    onnx.checker.check_model(model)
