"""The finished zoo: ONNX graphs, manifest, files."""
