"""Every guard rule by its name: what our templates must hold that no linter knows."""

from collections.abc import Mapping
from typing import Final

from guard import (
    archive_rules,
    balancer_rules,
    endpoint_rules,
    identity_rules,
    instance_rules,
    network_rules,
    watch_rules,
)
from guard.deployment import Deployment
from guard.finding import Finding, Rule

RULES: Final[Mapping[str, Rule]] = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        network_rules.no_way_to_the_internet,
        network_rules.no_public_address,
        network_rules.private_names_resolve,
        network_rules.several_zones,
        network_rules.subnets_have_one_use,
        network_rules.the_trusted_ranges_are_the_load_balancers,
        network_rules.groups_admit_whom_they_should,
        endpoint_rules.endpoints_are_the_needed_ones,
        endpoint_rules.endpoints_admit_the_own_account,
        balancer_rules.attributes_are_known,
        balancer_rules.one_source_of_the_client_address,
        balancer_rules.drains,
        balancer_rules.health_is_asked_where_it_is_told,
        balancer_rules.clients_reach_every_instance,
        balancer_rules.the_listener_forwards_to_the_gate,
        instance_rules.metadata_needs_a_token,
        instance_rules.instances_hold_no_secret_and_no_door,
        instance_rules.release_is_checked,
        instance_rules.updates_go_one_by_one,
        identity_rules.no_wildcard_is_allowed,
        identity_rules.strangers_are_not_trusted,
        identity_rules.roles_are_bounded,
        identity_rules.keys_are_kept,
        identity_rules.the_logs_key_serves_our_groups,
        watch_rules.logs_are_kept,
        watch_rules.filters_read_what_is_written,
        watch_rules.alarms_wake,
        watch_rules.one_silent_instance_is_seen,
        watch_rules.the_end_of_the_ca_is_told_in_time,
        watch_rules.sessions_are_recorded,
        watch_rules.topic_is_encrypted_with_our_key,
        archive_rules.buckets_are_private_and_kept,
        archive_rules.archive_is_locked,
    )
}


def judge(deployment: Deployment) -> dict[str, list[Finding]]:
    """What each rule that is broken says, by the rule's name."""
    found = {name: list(rule(deployment)) for name, rule in RULES.items()}
    return {name: findings for name, findings in found.items() if findings}
