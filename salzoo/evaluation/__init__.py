"""Scoring models on data sets."""
