"""The image encoder as one graph."""

from torch import Tensor, nn

from model_server.sam.sam import Sam

# A protobuf message, and an ONNX file is one, ends below 2^31 bytes. The graph around the weights of
# a vision transformer takes a few megabytes; the rest of the difference is room to spare.
ENCODER_LIMIT_BYTES = 2_000_000_000


class Encoder(nn.Module):
    """`image` [1, 3, S, S], normalised and padded, to `image_embeddings` [1, C, g, g]."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.image_encoder = sam.image_encoder

    def forward(self, image: Tensor) -> Tensor:
        """Encode one image."""
        embedding: Tensor = self.image_encoder(image)
        return embedding


def count_encoder_bytes(sam: Sam) -> int:
    """Size of the encoder's parameters: very nearly that of its ONNX file."""
    return sum(parameter.nbytes for parameter in sam.image_encoder.parameters())
