"""What IAM's policies say about one request, as pure functions over plain values."""
