"""The table of docs/outages.md: what clients notice of each fault of the deployed platform, measured."""
