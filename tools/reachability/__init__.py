"""Connections that NetworkPolicies allow; `python -m tools.reachability` prints those in the current cluster."""

from tools.reachability.matrix import Cell, any_pod, as_json, as_markdown, as_text, cells
from tools.reachability.network import Host, Network, Pod, Port, network

__all__ = ["Cell", "Host", "Network", "Pod", "Port", "any_pod", "as_json", "as_markdown", "as_text", "cells", "network"]
