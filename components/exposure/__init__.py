"""How the platform is reached from outside the cluster: host name, TLS certificate, Ingress or Gateway API."""
