"""Objects outlined by hand in large photographs, as a COCO folder to be evaluated on."""
