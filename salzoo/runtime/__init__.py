"""What work stands on: signals, progress. Nothing is imported here."""
