"""Attacks on the availability of a deployed stack, and what another team notices of them."""
