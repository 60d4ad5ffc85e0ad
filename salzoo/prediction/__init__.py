"""Running a model on a video or image. Nothing is imported here, so that importing the package does not load torch."""
