"""Model bundles: what is in the folder, what the fingerprints follow, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from common.manifest import (
    ENCODER_GRAPH,
    REQUIRED_FILES,
    BadManifest,
    Manifest,
    describe_file,
    fingerprint_files,
)
from model_server.sam.build import CONFIGS, TINY_MAPS, SamConfig, build_sam
from model_server.sam.sam import Sam
from onnx_export.__main__ import main
from onnx_export.bundle import Say, make_bundle, write_folder
from onnx_export.encoder import ENCODER_LIMIT_BYTES, count_encoder_bytes
from onnx_export.fingerprint import fingerprint_encoder
from onnx_export.graphs import export_graph, plan_graphs
from onnx_export.verify import TOLERANCE, VerificationFailed
from tests.onnx_export.networks import lively_network, save_network


def bundle_of(
    sam: Sam, folder: Path, *, limit: int = ENCODER_LIMIT_BYTES, say: Say = lambda _: None
) -> Manifest:
    weights = save_network(sam, folder.with_suffix(".safetensors"))
    return make_bundle(
        weights=weights,
        config=TINY_MAPS,
        out=folder,
        scores={"noc_90": 7.5},
        provenance={"images": 12},
        say=say,
        encoder_limit_bytes=limit,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    return folder, bundle_of(lively_network(TINY_MAPS), folder)


def test_a_bundle_holds_every_file_as_its_manifest_says(made: tuple[Path, Manifest]) -> None:
    folder, manifest = made
    assert set(manifest.files) == {*REQUIRED_FILES, ENCODER_GRAPH}
    assert_whole(folder, manifest)


def assert_whole(folder: Path, manifest: Manifest) -> None:
    assert {path.name for path in folder.iterdir()} == {*manifest.files, "manifest.json"}
    assert Manifest.from_json((folder / "manifest.json").read_bytes()) == manifest
    for name in manifest.files:
        manifest.check_file(name, (folder / name).read_bytes())


def test_an_encoder_too_large_for_a_file_is_left_out_and_nothing_else(
    made: tuple[Path, Manifest], tmp_path: Path
) -> None:
    sam, said = lively_network(TINY_MAPS), list[str]()
    limit = count_encoder_bytes(sam) - 1
    manifest = bundle_of(sam, tmp_path / "large", limit=limit, say=said.append)
    assert_whole(tmp_path / "large", manifest)
    with_graph = made[1]
    others = {name: file for name, file in with_graph.files.items() if name != ENCODER_GRAPH}
    assert manifest.files == others
    assert manifest.encoder_fingerprint == with_graph.encoder_fingerprint
    assert manifest.bundle_fingerprint != with_graph.bundle_fingerprint
    assert manifest.provenance["verification"]["value"] <= TOLERANCE
    assert [line for line in said if "encoder" in line] == [
        "no encoder graph: an encoder of 0 MB is larger than a single ONNX file may be;"
        " workers encode with torch"
    ]


def test_only_the_largest_published_encoder_is_too_large_for_a_file() -> None:
    def is_too_large(config: SamConfig) -> bool:
        with torch.device("meta"):
            return count_encoder_bytes(build_sam(config)) > ENCODER_LIMIT_BYTES

    assert {name for name, config in CONFIGS.items() if is_too_large(config)} == {"vit_h"}


def test_the_manifest_tells_the_scores_the_origin_and_the_verification(
    made: tuple[Path, Manifest],
) -> None:
    manifest = made[1]
    assert manifest.scores == {"noc_90": 7.5}
    assert manifest.provenance["images"] == 12
    assert manifest.provenance["verification"]["value"] <= TOLERANCE
    assert (manifest.grid, manifest.low_res, manifest.prompt_maps) == (16, 64, True)


def test_the_same_weights_give_the_same_fingerprints(made: tuple[Path, Manifest]) -> None:
    sam = lively_network(TINY_MAPS)
    assert fingerprint_encoder(sam, TINY_MAPS) == made[1].encoder_fingerprint
    again = describe_file(export_graph(plan_graphs(sam)["refine.onnx"]))
    assert again == made[1].files["refine.onnx"]


def test_another_decoder_changes_the_bundle_but_not_the_encoder(
    made: tuple[Path, Manifest],
) -> None:
    sam, manifest = lively_network(TINY_MAPS), made[1]
    sam.mask_decoder.iou_token.weight.data += 0.1
    graph = describe_file(export_graph(plan_graphs(sam)["decode.onnx"]))
    files = {**manifest.files, "decode.onnx": graph}
    assert fingerprint_encoder(sam, TINY_MAPS) == manifest.encoder_fingerprint
    assert fingerprint_files(files) != manifest.bundle_fingerprint


@pytest.mark.parametrize("number", ["weight", "running_mean"])
def test_another_encoder_changes_the_encoder_fingerprint(number: str) -> None:
    sam = lively_network(TINY_MAPS)
    before = fingerprint_encoder(sam, TINY_MAPS)
    names = [name for name in sam.image_encoder.state_dict() if name.endswith(number)]
    sam.image_encoder.state_dict()[names[0]].view(-1)[0] += 1e-3
    assert fingerprint_encoder(sam, TINY_MAPS) != before


def test_counting_training_steps_keeps_the_encoder_fingerprint() -> None:
    sam = lively_network(TINY_MAPS)
    before = fingerprint_encoder(sam, TINY_MAPS)
    for name, tensor in sam.image_encoder.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor += 1
    assert fingerprint_encoder(sam, TINY_MAPS) == before


def test_a_bundle_that_fails_verification_is_not_written(
    tmp_path: Path,
) -> None:
    sam = lively_network(TINY_MAPS)
    with torch.no_grad():
        sam.mask_decoder.transformer.norm_final_attn.weight[0] = float("nan")
    with pytest.raises(VerificationFailed):
        bundle_of(sam, tmp_path / "broken")
    assert not (tmp_path / "broken").exists()


def test_a_bundle_replaces_an_older_one_and_nothing_else(
    made: tuple[Path, Manifest], tmp_path: Path
) -> None:
    older, foreign = tmp_path / "older", tmp_path / "foreign"
    for folder, name in ((older, "manifest.json"), (foreign, "thesis.txt")):
        folder.mkdir()
        (folder / name).write_text("{}")
    write_folder(older, {"manifest.json": made[1].to_json().encode()})
    assert Manifest.from_json((older / "manifest.json").read_text()) == made[1]
    with pytest.raises(FileExistsError, match="is not a model bundle"):
        bundle_of(lively_network(TINY_MAPS), foreign)
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]
    assert not list(tmp_path.glob(".*"))


def forget_a_file(values: dict[str, dict[str, object]]) -> None:
    del values["files"]["refine.onnx"]


def swap_hashes(values: dict[str, dict[str, object]]) -> None:
    files = values["files"]
    files["decode.onnx"], files["refine.onnx"] = files["refine.onnx"], files["decode.onnx"]


def add_a_key(values: dict[str, dict[str, object]]) -> None:
    values["mood"] = {}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (forget_a_file, "files missing: refine.onnx"),
        (swap_hashes, "bundle fingerprint"),
        (add_a_key, "mood"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    made: tuple[Path, Manifest], damage: Callable[[dict[str, dict[str, object]]], None], words: str
) -> None:
    values = json.loads(made[1].to_json())
    damage(values)
    with pytest.raises(BadManifest, match=words):
        Manifest.from_json(json.dumps(values))


def test_a_file_of_another_bundle_is_refused(made: tuple[Path, Manifest]) -> None:
    with pytest.raises(BadManifest, match=r"decode\.onnx is "):
        made[1].check_file("decode.onnx", b"something else")


def test_the_command_makes_a_bundle_and_tells_the_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bundle"
    assert main(["--config", "tiny", "--random-weights", "4", "--out", str(out)]) == 0
    assert Manifest.from_json((out / "manifest.json").read_text()).name == "tiny"
    told = capsys.readouterr().out
    assert " s  comparing all graphs with torch" in told
    assert f"written to {out}" in told


def test_the_command_says_why_there_is_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.safetensors"
    assert main(["--config", "tiny", "--weights", str(missing), "--out", str(tmp_path / "b")]) == 1
    assert str(missing) in capsys.readouterr().err
