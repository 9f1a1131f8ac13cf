"""How fast the service is, beside a bare handler and a peer; see README.md."""
