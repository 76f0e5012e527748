"""Questions to a cluster before `make up`: `python -m tools.preflight` names what the cluster lacks for a stack.

`wanted.py` derives what a stack needs from its settings and from the objects that the program registers, `api.py` asks
the API server, and `checks/` compares the two. Nothing is changed in the cluster.
"""
