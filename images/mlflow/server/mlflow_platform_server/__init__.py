"""What the platform adds to the MLflow server: whom it believes, and artifacts that stream.

The modules are small and each holds one idea. Those that import neither MLflow nor its plugin (`identity`, `door`,
`bodies`, `uploads`, `ranges`, `keys`, `below_path`, `without_workspace`, `stages`) are tested without them.
"""
