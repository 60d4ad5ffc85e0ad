"""Training: clips of videos, the loop, and the run folder that it leaves."""
