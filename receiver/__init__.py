"""alert-receiver: takes alerts from Alertmanager and Grafana and sees them through to people."""

__version__ = "0.1.0"
