"""What a prompt point is: the labels of the published contract."""

PADDING_LABEL = -1
BACKGROUND_LABEL = 0
FOREGROUND_LABEL = 1
BOX_START_LABEL = 2
BOX_END_LABEL = 3
