"""The model worker: computes embeddings and trains, told by messages and answering by messages."""
