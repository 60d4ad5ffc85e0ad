"""What runs a network: PyTorch, ONNX Runtime or OpenVINO, in one of several precisions. Nothing is imported here."""
