"""What runs the work, whatever the work is: devices and precision, memory, ranks, reading ahead, worker processes,
signals, progress, and files that are complete or absent. Nothing is imported here, so that importing the package loads
no torch, no OpenCV."""
