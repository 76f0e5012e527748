"""Authentication: OAuth2-Proxy as a sidecar or for ForwardAuth, the development identity provider, passwords."""
