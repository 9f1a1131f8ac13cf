import re

from prometheus_client.parser import text_string_to_metric_families

from receiver.metrics import DETAILS, REASONS, REJECTIONS, SUPPRESSIONS, Metrics


def samples(metrics):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_everything_known_stands_at_zero_from_the_start():
    metrics = Metrics()
    metrics.expect({"infra": "wecom_robot"}, ["alertmanager"], ["default"])
    found = samples(metrics)
    pair = (("channel", "infra"), ("kind", "wecom_robot"))
    for name in ("notifications", "notification_requests"):
        assert found[(f"alertreceiver_{name}_total", pair)] == 0
    for reason in REASONS:
        assert found[("alertreceiver_notifications_failed_total", (*pair, ("reason", reason)))] == 0
    for reason in REJECTIONS:
        assert found[("alertreceiver_events_rejected_total", (("reason", reason), ("source", "alertmanager")))] == 0
    for detail in DETAILS:
        assert found[("alertreceiver_alerts_told_total", (("channel", "infra"), ("detail", detail)))] == 0
    for name in ("deliveries_relieved_total", "channel_stops_total", "channel_detail", "rate_hold_seconds"):
        assert found[(f"alertreceiver_{name}", (("channel", "infra"),))] == 0
    for reason in SUPPRESSIONS:
        assert found[("alertreceiver_deliveries_suppressed_total", (("channel", "infra"), ("reason", reason)))] == 0
    assert found[("alertreceiver_template_failures_total", (("template", "default"),))] == 0
    assert found[("alertreceiver_channel_enabled", (("channel", "infra"),))] == 1


def test_every_name_of_the_contract_is_there():
    metrics = Metrics()
    metrics.expect({"infra": "wecom_robot"}, ["alertmanager"], ["default"])
    names = set(re.findall(r"^# TYPE (\S+)", metrics.exposition().decode(), re.MULTILINE))
    told = """events_received_total events_rejected_total events_duplicate_total alerts_received_total
        notifications_total notifications_failed_total notification_requests_total notification_requests_failed_total
        notification_latency_seconds delivery_delay_seconds deliveries_suppressed_total deliveries_merged_total
        deliveries_relieved_total alerts_told_total channel_detail channel_stops_total
        queue_length queue_oldest_age_seconds rate_window_used rate_window_limit rate_hold_seconds
        monthly_posts monthly_limit channel_enabled
        channel_last_success_timestamp_seconds template_failures_total store_commit_seconds
        config_last_reload_successful config_last_reload_success_timestamp_seconds config_hash build_info"""
    assert {f"alertreceiver_{name}" for name in told.split()} == {name for name in names if "process_" not in name}
    assert "process_resident_memory_bytes" in names


def test_nothing_is_said_of_when_a_counter_was_created():
    assert b"_created" not in Metrics().exposition()
