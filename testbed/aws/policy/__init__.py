"""Evaluation of IAM policies for one request, as pure functions over plain values."""
