"""Configurations of the network by name, their JSON form, and loading of weights."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from model_server.sam.compact_encoder import CompactEncoder
from model_server.sam.edges import guide_channels
from model_server.sam.geodesic import GEODESIC_ROWS
from model_server.sam.image_encoder import ImageEncoderViT
from model_server.sam.mask_decoder import MaskDecoder
from model_server.sam.prompt_encoder import PromptEncoder
from model_server.sam.sam import Sam
from model_server.sam.tiny_encoder import TinyViT
from model_server.sam.transformer import TwoWayTransformer


@dataclass(frozen=True)
class CompactSizes:
    """Sizes of our compact encoder; stride 8."""

    widths: tuple[int, int, int, int]  # channels at strides 4, 8, 16, 32
    depths: tuple[int, int, int]  # residual blocks at strides 4, 8, 16
    attention_blocks: int  # at stride 32
    num_heads: int
    mlp_ratio: int
    detail_channels: int  # at stride 4, for sharp borders
    stride: int = 8
    kind: str = "compact"


@dataclass(frozen=True)
class VitSizes:
    """Sizes of a published vision transformer; stride 16."""

    width: int
    depth: int
    num_heads: int
    global_blocks: tuple[int, ...]  # the others attend in windows
    window: int = 14
    mlp_ratio: int = 4
    stride: int = 16  # the patch size
    kind: str = "vit"


@dataclass(frozen=True)
class TinyVitSizes:
    """Sizes of MobileSAM's encoder; stride 16."""

    widths: tuple[int, ...] = (64, 128, 160, 320)
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (2, 4, 5, 10)
    windows: tuple[int, ...] = (7, 7, 14, 7)
    mlp_ratio: int = 4
    num_classes: int = 1000  # of a head that is stored and never run
    stride: int = 16
    kind: str = "tiny_vit"


EncoderSizes = CompactSizes | VitSizes | TinyVitSizes
ENCODER_SIZES: dict[str, type[CompactSizes] | type[VitSizes] | type[TinyVitSizes]] = {
    "compact": CompactSizes,
    "vit": VitSizes,
    "tiny_vit": TinyVitSizes,
}


@dataclass(frozen=True)
class SamConfig:
    """Everything that decides the shapes of a network and how it is fed."""

    name: str
    encoder: EncoderSizes
    input_size: int  # side of the model frame in pixels
    embed_dim: int  # channels of the embedding, width of prompt encoder and decoder
    decoder_mlp_dim: int
    decoder_heads: int = 8
    decoder_depth: int = 2
    iou_head_hidden_dim: int = 256
    mask_in_chans: int = 16
    prompt_maps: bool = False  # points and boxes are also drawn into the dense branch
    edge_aware: bool = False  # masks are drawn along the picture's edges (compact encoder)
    activation: str = "gelu"  # of mask downscaling and output upscaling; "relu" is cheaper

    @property
    def grid(self) -> int:
        """Side of the embedding in cells."""
        return self.input_size // self.encoder.stride

    @property
    def detail_channels(self) -> int:
        """Channels at half the embedding's stride that come with it."""
        return self.encoder.detail_channels if isinstance(self.encoder, CompactSizes) else 0

    @property
    def guide_channels(self) -> int:
        """Channels of the picture that masks follow."""
        return guide_channels(self.encoder.stride) if self.edge_aware else 0

    @property
    def geodesic_maps(self) -> bool:
        """Whether the encoder says what crossing a cell costs."""
        return isinstance(self.encoder, CompactSizes)

    @property
    def judges_masks(self) -> bool:
        """Whether the predicted IoU also depends on what the mask looks like."""
        return isinstance(self.encoder, CompactSizes)

    @property
    def embedding_channels(self) -> int:
        """Channels of an embedding: the decoder's width, detail, guide, crossing costs."""
        own = self.embed_dim + 4 * self.detail_channels
        return own + self.guide_channels + self.geodesic_maps

    @property
    def low_res_size(self) -> int:
        """Side of the low-res logits."""
        return 4 * self.grid


def published(name: str, encoder: EncoderSizes) -> SamConfig:
    """The configuration of a published checkpoint: everything but the encoder is the same."""
    return SamConfig(
        name=name, encoder=encoder, input_size=1024, embed_dim=256, decoder_mlp_dim=2048
    )


VIT_B = published("vit_b", VitSizes(768, 12, 12, (2, 5, 8, 11)))
VIT_L = published("vit_l", VitSizes(1024, 24, 16, (5, 11, 17, 23)))
VIT_H = published("vit_h", VitSizes(1280, 32, 16, (7, 15, 23, 31)))
VIT_T = published("vit_t", TinyVitSizes())

COMPACT = SamConfig(
    name="compact",
    encoder=CompactSizes(
        widths=(64, 128, 256, 320),
        depths=(1, 2, 2),
        attention_blocks=3,
        num_heads=5,
        mlp_ratio=3,
        detail_channels=16,
    ),
    input_size=512,
    embed_dim=128,
    decoder_mlp_dim=512,
    iou_head_hidden_dim=128,
    prompt_maps=True,
    edge_aware=True,
    activation="relu",
)

# Minute networks for tests: every part is there, nothing is trained.
TINY = SamConfig(
    name="tiny",
    encoder=VitSizes(width=16, depth=2, num_heads=2, global_blocks=(1,), window=3, stride=16),
    input_size=128,
    embed_dim=32,
    decoder_mlp_dim=32,
    iou_head_hidden_dim=32,
)
TINY_MAPS = SamConfig(
    name="tiny_maps",
    encoder=CompactSizes(
        widths=(8, 16, 16, 16),
        depths=(1, 1, 1),
        attention_blocks=1,
        num_heads=2,
        mlp_ratio=2,
        detail_channels=4,
    ),
    input_size=128,
    embed_dim=32,
    decoder_mlp_dim=32,
    iou_head_hidden_dim=32,
    prompt_maps=True,
    edge_aware=True,
    activation="relu",
)

CONFIGS = {config.name: config for config in (VIT_B, VIT_L, VIT_H, VIT_T, COMPACT, TINY, TINY_MAPS)}
ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU}


def build_encoder(config: SamConfig) -> nn.Module:
    """The image encoder of a configuration, with random weights."""
    sizes = config.encoder
    if isinstance(sizes, CompactSizes):
        return CompactEncoder(
            widths=sizes.widths,
            depths=sizes.depths,
            attention_blocks=sizes.attention_blocks,
            num_heads=sizes.num_heads,
            mlp_ratio=sizes.mlp_ratio,
            out_channels=config.embed_dim,
            detail_channels=sizes.detail_channels,
            gives_guide=config.edge_aware,
        )
    if isinstance(sizes, TinyVitSizes):
        return TinyViT(
            widths=sizes.widths,
            depths=sizes.depths,
            num_heads=sizes.num_heads,
            windows=sizes.windows,
            mlp_ratio=sizes.mlp_ratio,
            out_channels=config.embed_dim,
            num_classes=sizes.num_classes,
        )
    return ImageEncoderViT(
        grid=config.grid,
        patch_size=sizes.stride,
        width=sizes.width,
        depth=sizes.depth,
        num_heads=sizes.num_heads,
        mlp_ratio=sizes.mlp_ratio,
        window=sizes.window,
        global_blocks=sizes.global_blocks,
        out_channels=config.embed_dim,
    )


def build_sam(config: SamConfig) -> Sam:
    """The network of a configuration, with random weights, in evaluation mode."""
    transformer = TwoWayTransformer(
        depth=config.decoder_depth,
        embed_dim=config.embed_dim,
        num_heads=config.decoder_heads,
        mlp_dim=config.decoder_mlp_dim,
    )
    activation = ACTIVATIONS[config.activation]
    sam = Sam(
        build_encoder(config),
        PromptEncoder(
            embed_dim=config.embed_dim,
            grid=config.grid,
            input_size=config.input_size,
            mask_in_chans=config.mask_in_chans,
            prompt_maps=config.prompt_maps,
            geodesic_maps=config.geodesic_maps,
            activation=activation,
        ),
        MaskDecoder(
            embed_dim=config.embed_dim,
            transformer=transformer,
            iou_head_hidden_dim=config.iou_head_hidden_dim,
            detail_channels=config.detail_channels,
            num_maps=GEODESIC_ROWS if config.geodesic_maps else 0,
            judges_masks=config.judges_masks,
            guide_channels=config.guide_channels,
            activation=activation,
        ),
    )
    return sam.eval()


def config_to_json(config: SamConfig) -> dict[str, Any]:
    """A configuration as JSON values."""
    return asdict(config)


def config_from_json(values: dict[str, Any]) -> SamConfig:
    """The configuration written by `config_to_json`; other keys of a model file are ignored."""
    known = {key: values[key] for key in SamConfig.__dataclass_fields__ if key in values}
    encoder: dict[str, Any] = dict(known["encoder"])
    sizes = ENCODER_SIZES[encoder["kind"]]
    lists: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in encoder.items()
    }
    return SamConfig(**{**known, "encoder": sizes(**lists)})


def read_config(path: Path) -> SamConfig:
    """The configuration in a JSON file beside the weights."""
    return config_from_json(json.loads(path.read_text()))


def load_weights(sam: Sam, path: Path) -> None:
    """Load a safetensors file into `sam`, every key required; half precision becomes single."""
    stored: dict[str, Tensor] = load_file(str(path))
    wide = {key: t.float() if t.dtype == torch.float16 else t for key, t in stored.items()}
    sam.load_state_dict(wide, strict=True)
