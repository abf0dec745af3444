"""Changing only what was clicked: the workbench does the same (`web/static/js/geometry/pieces.js`)."""

import numpy as np
from skimage.measure import label

from common.metrics import Click, Mask


def changed_at(mask: Mask, answer: Mask, click: Click) -> Mask:
    """The mask with that piece of the change to `answer` that holds the click.

    Pixels that share a side or a corner are of one piece.
    """
    pieces = label(mask ^ answer, connectivity=2)
    piece = pieces[click.y, click.x]
    return mask if piece == 0 else np.where(pieces == piece, answer, mask)
