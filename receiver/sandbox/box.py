"""The sandbox itself: the robots, the platforms that judge their calls, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

from receiver.sandbox.apps import App, members_of
from receiver.sandbox.clock import Clock
from receiver.sandbox.dingtalk import DingTalk
from receiver.sandbox.dingtalk_app import DingTalkApp
from receiver.sandbox.faults import Fault, Faults
from receiver.sandbox.feishu import Feishu
from receiver.sandbox.feishu_app import FeishuApp
from receiver.sandbox.ledger import Dropped, Ledger, Posted, Seen
from receiver.sandbox.other import Other
from receiver.sandbox.robots import APPS, Options, Robot, Robots
from receiver.sandbox.webhook import Webhook
from receiver.sandbox.wecom import WeCom
from receiver.sandbox.wecom_app import WeComApp
from receiver.sandbox.wire import Platform

PLATFORMS: tuple[type[Platform], ...] = (WeCom, DingTalk, Feishu, Webhook, WeComApp, DingTalkApp, FeishuApp, Other)


class Sandbox:
    """A strict stand-in of WeCom, DingTalk, Feishu and webhook receivers.

    It judges every call in the order and with the answers of the real provider, keeps what a person in the group
    would have read, and notes in `violations` what the provider tolerates and a good client never does. Memory is
    bounded. It belongs to one event loop.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock if isinstance(clock, Clock) else Clock(clock)
        self.options = Options()
        self.robots = Robots()
        self.ledger = Ledger()
        self.faults = Faults()
        self.stopping = asyncio.Event()
        self.platforms = tuple(platform(self.robots, self.ledger, self.options) for platform in PLATFORMS)

    @property
    def messages(self) -> deque[Posted]:
        """Every message that arrived, oldest first; the latest 100,000."""
        return self.ledger.messages

    @property
    def requests(self) -> deque[Seen]:
        """Every request, raw, oldest first; the latest 100,000, bodies of the latest 5,000 and of 64 MiB at most."""
        return self.ledger.requests

    @property
    def violations(self) -> list[str]:
        """What the real provider tolerates and our clients must not do; tests assert that this is empty."""
        return self.ledger.violations

    @property
    def dropped(self) -> deque[Dropped]:
        """What a provider answered well to and showed to nobody; the latest 5,000."""
        return self.ledger.dropped

    @property
    def accept_unknown(self) -> bool:
        """Whether a credential nobody registered is registered on first use (an app's: when it fetches a token)."""
        return self.robots.accept_unknown

    @accept_unknown.setter
    def accept_unknown(self, accepted: bool) -> None:
        self.robots.accept_unknown = accepted

    def register(
        self,
        kind: str,
        credential: str,
        *,
        name: str = "",
        secret: str | None = None,
        keywords: Iterable[str] = (),
        ip_list: Iterable[str] = (),
        monthly: int | None = None,
        at_all: bool = True,
        agent_id: int | None = None,
        robot_code: str | None = None,
        callback: bool = False,
        members: Mapping[str, Collection[str]] | None = None,
    ) -> Robot:
        """Add a robot to a group; `name` is what the group is called here (default: a digest of the credential).

        `credential` is WeCom's key, DingTalk's access_token, Feishu's hook token or the last part of a webhook's
        path; `secret` switches signature checks on. The kind `other` is any provider that nobody wrote a stand-in for,
        `credential` its name in the path. ValueError for an unknown kind.

        An app's credential is WeCom's corp_id (its apps are told apart by `secret`), DingTalk's app_key or Feishu's
        app_id; `secret` is what its token is fetched with. `members` lists whom it may reach, by sort: `users`,
        `departments`, `tags`, `chats` (WeCom), `users`, `departments`, `conversations` (DingTalk), `open_ids`,
        `user_ids`, `union_ids`, `emails`, `chat_ids`, `mobiles` (Feishu; a mapping of addresses to ids answers
        look-ups); a sort that is left out knows every id. Also `unlicensed` (WeCom) and `flow_controlled` (DingTalk).
        `agent_id` and `robot_code` are checked when given; `callback`: a WeCom app with a callback URL.
        """
        robot: Robot = Robot(kind, credential, name, secret, tuple(keywords), tuple(ip_list), monthly, at_all)
        if kind in APPS:
            known = members_of(members)
            robot = App(**vars(robot), agent_id=agent_id, robot_code=robot_code, callback=callback, members=known)
        elif members or callback or (agent_id, robot_code) != (None, None):
            raise ValueError("members, agent_id, robot_code and callback belong to apps")
        self.robots.add(robot)
        return robot

    def unregister(self, kind: str, credential: str) -> None:
        """Remove a robot from its group: its credential is refused from now on."""
        self.robots.remove(kind, credential)

    def token_fetches(self, kind: str, credential: str) -> int:
        """How often a token was given to the apps with this credential."""
        return sum(app.fetches for app in self._apps(kind, credential))

    def revoke_tokens(self, kind: str, credential: str) -> None:
        """End every token of the apps with this credential before its time, as the providers may."""
        for app in self._apps(kind, credential):
            app.tokens.clear()

    def _apps(self, kind: str, credential: str) -> list[App]:
        return [robot for robot in self.robots.of(kind, credential) if isinstance(robot, App)]

    def platform(self, path: str) -> Platform | None:
        """Whose path this is: the platform with the longest matching prefix."""
        prefixes = [(prefix, one) for one in self.platforms for prefix in (one.prefix, *one.also)]
        fitting = [(len(prefix), one) for prefix, one in prefixes if path.startswith(prefix)]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None

    def fault(self, target: str, fault: Fault, times: int | None = 1) -> None:
        """Answer the next `times` calls (None: all) to `target` with `fault`.

        `target` is a kind, a name, `*`, or one step: `feishu_app/token`, `duty/update`, `wecom_robot/upload`.
        """
        self.faults.order(target, fault, times)

    def clear_faults(self) -> None:
        """End every fault."""
        self.faults.clear()

    def worst_window(self, kind: str, name: str, seconds: float) -> int:
        """The most messages that got through to this robot in any `seconds`; an empty name means the whole kind."""
        return self.ledger.worst_window(kind, name, seconds)
