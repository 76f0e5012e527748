"""Who may sign in: OAuth2-Proxy as sidecar or ForwardAuth, the development identity provider, passwords."""
