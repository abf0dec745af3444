"""The image encoder as one graph."""

from torch import Tensor, nn

from model_server.sam.sam import Sam


class Encoder(nn.Module):
    """`image` [1, 3, S, S], normalised and padded, to `image_embeddings` [1, C, g, g]."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.image_encoder = sam.image_encoder

    def forward(self, image: Tensor) -> Tensor:
        """Encode one image."""
        embedding: Tensor = self.image_encoder(image)
        return embedding
