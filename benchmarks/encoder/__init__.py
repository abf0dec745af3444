"""Image encoders on a processor, torch beside onnxruntime."""
