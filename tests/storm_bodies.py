"""What Alertmanager posts when a datacentre goes: numbered alerts, each of an instance of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

NAMES = {
    "critical": (("InstanceDown", "实例无法访问"), ("EtcdNoLeader", "etcd 集群没有主节点")),
    "warning": (
        ("HighCpuLoad", "CPU 使用率超过 90%"),
        ("DiskWillFill", "磁盘将在 4 小时内写满"),
        ("MemoryPressure", "可用内存不足 10%"),
        ("PodCrashLooping", "容器反复重启"),
        ("HighRequestLatency", "P99 延迟超过 1 秒"),
        ("TargetMissing", "采集目标丢失"),
        ("NetworkErrors", "网卡错包持续增加"),
    ),
    "info": (
        ("CertificateExpiring", "证书将在 21 天内到期"),
        ("KubeletRestarted", "kubelet 刚刚重启"),
        ("ConfigDrift", "配置与版本库不一致"),
    ),
}
"""Twelve names with what they say, by severity."""
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class One:
    """Alert number `number`: 5 in 100 are critical, 20 info, the others warnings. `version` is its place among its own
    states, which its summary says; `group` its notification group, by default its own."""

    number: int
    status: str = "firing"
    version: int = 0
    group: str = ""

    @property
    def severity(self) -> str:
        """How severe it is."""
        place = self.number * 37 % 100
        return "critical" if place < 5 else "info" if place < 25 else "warning"

    @property
    def instance(self) -> str:
        """What tells it from all others."""
        return f"node-{self.number:05d}.dc1:9100"

    def body(self, at: float) -> dict[str, Any]:
        """As Alertmanager sends it at the Unix time `at`."""
        name, said = NAMES[self.severity][self.number % len(NAMES[self.severity])]
        began = datetime.fromtimestamp(at - 30, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        ended = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        labels = {
            "alertname": name,
            "cluster": "dc1",
            "instance": self.instance,
            "job": "node-exporter",
            "rack": f"r{self.number % 40:02d}",
            "severity": self.severity,
            "team": "infra",
        }
        version = f"（第 {self.version} 次）" if self.version else ""
        return {
            "status": self.status,
            "labels": labels,
            "annotations": {
                "summary": f"{self.instance} {said}{version}",
                "description": f"机架 {labels['rack']} 的 {self.instance} {said}，已持续超过 30 秒，请尽快处理。",
            },
            "startsAt": began,
            "endsAt": ended if self.status == "resolved" else _NEVER,
            "generatorURL": "http://prometheus.dc1.example.com:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "fingerprint": blake2b(json.dumps(labels).encode(), digest_size=8).hexdigest(),
        }


def webhook(alerts: Sequence[One], at: float) -> bytes:
    """One notification of these alerts, which are of one group, at the Unix time `at`."""
    made = [one.body(at) for one in alerts]
    first = made[0]["labels"]
    group = (
        alerts[0].group or f'{{}}/{{team="infra"}}:{{alertname="{first["alertname"]}", instance="{first["instance"]}"}}'
    )
    event = {
        "version": "4",
        "receiver": "infra",
        "status": "firing" if any(one.status == "firing" for one in alerts) else "resolved",
        "groupKey": group,
        "truncatedAlerts": 0,
        "groupLabels": {"alertname": first["alertname"]},
        "commonLabels": _common([one["labels"] for one in made]),
        "commonAnnotations": _common([one["annotations"] for one in made]),
        "externalURL": "http://alertmanager.dc1.example.com:9093",
        "alerts": made,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _common(of: Sequence[dict[str, str]]) -> dict[str, str]:
    return {key: value for key, value in of[0].items() if all(one.get(key) == value for one in of)}
