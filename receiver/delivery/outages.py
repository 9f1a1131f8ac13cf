"""Whether a provider or the network is out, rather than a channel; pure."""

from __future__ import annotations

from collections.abc import Mapping

WITHIN = 60.0
"""Seconds in which failures count as one outage."""
AT_LEAST = 2
"""So many different credentials have to fail for an outage to be the provider's."""
PART = 0.3
"""And so large a part of all those that the provider has."""


class Outages:
    """Remembers which credentials failed as unavailable, for all channels together.

    `credentials` says how many different ones each provider has. During an outage of a provider nothing that is given
    up counts towards stopping a channel: one failure of the DNS must not silence a whole company.
    """

    def __init__(self, credentials: Mapping[str, int]) -> None:
        self._credentials = credentials
        self._failed: dict[str, dict[str, float]] = {}

    def failed(self, provider: str, credential: str, now: float) -> None:
        """A post with the credential came to nothing at the Unix time `now`: a timeout, no connection, a 5xx."""
        self._failed[provider] = {**self._recent(provider, now), credential: now}

    def wide(self, provider: str, now: float) -> bool:
        """Whether so many of the provider's credentials failed in the last minute that it is the provider's outage."""
        number = len(self._recent(provider, now))
        return number >= AT_LEAST and number >= PART * self._credentials.get(provider, 0)

    def _recent(self, provider: str, now: float) -> dict[str, float]:
        """When each failed last; a time ahead of `now` comes from a clock that was set back."""
        failed = self._failed.get(provider, {})
        return {credential: at for credential, at in failed.items() if now - WITHIN < at <= now}
