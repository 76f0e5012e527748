"""Requests over HTTP, and what AWS calls them: the actions that a policy has to allow."""
