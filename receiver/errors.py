"""Every failure the service knows, by class: the class is the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "clientError", "serverError", "authError", "rateLimited", "contextCanceled", "contextDeadlineExceeded", "other"
]
"""Alertmanager's closed list of why a notification failed; the `reason` label of the metrics."""


class ReceiverError(Exception):
    """Something alert-receiver could not do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a configuration: where it stands, which rule it breaks, what was offered (secrets masked)."""

    path: str
    rule: str
    line: int | None = None
    offered: str | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: {self.path}" if self.line else self.path
        return f"{where}: {self.rule}" + (f" (offered: {self.offered})" if self.offered is not None else "")


class ConfigError(ReceiverError):
    """The configuration cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class BadPayload(ReceiverError):
    """A body that can never be accepted; the sender gets a 400 with this sentence."""


class StoreUnavailable(ReceiverError):
    """The store cannot write now; nothing was changed, the sender is asked to try again (503)."""


class StoreLocked(ReceiverError):
    """Another process holds this store; the service refuses to start."""


class TemplateError(ReceiverError):
    """A template could not be compiled or rendered; the alert goes out as built-in plain text."""


class DeliveryError(ReceiverError):
    """A message did not arrive.

    `detail` is fit for records and logs: it never holds a secret. `http_status` and `code` are the provider's
    answer where there was one. `reason` is the metric label.
    """

    reason: Reason = "other"

    def __init__(
        self, detail: str, *, http_status: int | None = None, code: str | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.http_status = http_status
        self.code = code
        if reason is not None:
            self.reason = reason


class Rejected(DeliveryError):
    """This form can never pass: sent once more as plain text, then the delivery has failed."""

    reason: Reason = "clientError"


class Misconfigured(DeliveryError):
    """The channel can never work as it is configured: it is stopped at once, its delivery is held."""

    reason: Reason = "authError"


class Unreachable(DeliveryError):
    """This recipient can never be reached, the others of the channel can: recorded, the delivery goes on."""

    reason: Reason = "clientError"


class Unchangeable(DeliveryError):
    """The message that was to be updated in place is gone or too old: it is posted as a new one."""

    reason: Reason = "clientError"


class Unavailable(DeliveryError):
    """Not now: tried again later, and counted as an attempt.

    `ambiguous` says that the provider may have taken the message (a timeout or reset after it was written).
    """

    reason: Reason = "serverError"

    def __init__(
        self,
        detail: str,
        *,
        http_status: int | None = None,
        code: str | None = None,
        reason: Reason | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(detail, http_status=http_status, code=code, reason=reason)
        self.ambiguous = ambiguous


class Throttled(DeliveryError):
    """Too fast: the credential rests for `retry_after` seconds; counted as no attempt."""

    reason: Reason = "rateLimited"

    def __init__(
        self, detail: str, *, retry_after: float, http_status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(detail, http_status=http_status, code=code)
        self.retry_after = retry_after
