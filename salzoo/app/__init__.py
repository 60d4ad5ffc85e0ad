"""A local page on which videos and pictures are looked at with models beside each other: ``salzoo app``."""
