"""Which logits, and what beside them, make the best prompt of a mask that a person refines."""
