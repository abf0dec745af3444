"""`python -m benchmarks.encoder`: seconds per image on this processor, torch beside onnxruntime."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import onnxruntime
import torch
from torch import Tensor

from benchmarks.tables import describe_run, format_table, write_section
from model_server.sam.build import CONFIGS, build_sam
from onnx_export.encoder import Encoder
from onnx_export.graphs import GraphPlan, export_graph

NETWORKS = ("compact", "vit_t", "vit_b")
TITLE = "Image encoders on a processor"
SEED = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and with `--write` record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--networks", nargs="+", choices=sorted(CONFIGS), default=NETWORKS)
    parser.add_argument("--write", action="store_true", help="record in docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    rows = [measure(name, asked.repetitions) for name in asked.networks]
    head = ["network", "image", "torch, s", "onnxruntime, s", "ratio", "largest difference"]
    told = (
        describe_run("python -m benchmarks.encoder") + f". torch {torch.__version__}, onnxruntime"
        f" {onnxruntime.__version__}, both on {torch.get_num_threads()} threads, float32; seconds for one image,"
        f" median [min] of {asked.repetitions}, taking turns; random weights."
    )
    text = f"{told}\n\n{format_table(head, rows)}"
    print(text)
    if asked.write:
        write_section(TITLE, text)


def measure(name: str, repetitions: int) -> list[str]:
    """One row of the table."""
    torch.manual_seed(SEED)
    config = CONFIGS[name]
    encoder = Encoder(build_sam(config)).eval()
    image = torch.randn(1, 3, config.input_size, config.input_size)
    run_graph = start_graph(encoder, image)
    with torch.inference_mode():
        far = (torch.from_numpy(run_graph()) - encoder(image)).abs().max()
        times = interleave({"torch": lambda: encoder(image), "graph": run_graph}, repetitions)
    ratio = median(times["torch"]) / median(times["graph"])
    shown = [f"{median(taken):.2f} [{min(taken):.2f}]" for taken in times.values()]
    return [name, f"{config.input_size}²", *shown, f"{ratio:.1f}", f"{far:.0e}"]


def start_graph(encoder: Encoder, image: Tensor) -> Callable[[], object]:
    """A function that runs the exported encoder on `image`; it does not spin while torch runs."""
    content = export_graph(GraphPlan(encoder, {"image": image}, ["image_embeddings"]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": image.numpy()})[0]


def interleave(
    runs: Mapping[str, Callable[[], object]], repetitions: int
) -> dict[str, list[float]]:
    """Seconds of each run, in turn; all have run once before."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return times


if __name__ == "__main__":
    main()
