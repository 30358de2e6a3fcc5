"""Steps 7 to 15: what is asked, of which resource, by whom.

The normal case: a listed bucket, a rule that allows the operation, the key, the client
and the account, and a signature that binds. Only here a request can become allowed.
"""

from collections.abc import Sequence
from typing import Final

from s3gate.policy.case import Case, Refusal
from s3gate.policy.decision import Reason
from s3gate.policy.model import Rule
from s3gate.policy.place_steps import (
    foreign,
    path_style_refused,
    step_endpoint,
    step_place,
    unlisted,
    unlisted_service,
)
from s3gate.policy.preset import Signing
from s3gate.policy.rules import (
    Asked,
    RuleRefusal,
    account_problem,
    check_bonds,
    encryption_problem,
    find_rule,
)
from s3gate.policy.signature import signature_problem
from s3gate.policy.walk import LIFTABLE, refuse_step
from s3gate.s3.address import S3Address, Style
from s3gate.s3.endpoint import AwsName, Endpoint, OtherService
from s3gate.s3.operation import Operation, OperationClass

# What a copy does to its source (S3 API reference, CopyObject: s3:GetObject on the source).
_READ_SOURCE: Final = Operation("GetObject", OperationClass.READ)


def step_target(case: Case) -> None:
    """Steps 7 to 15."""
    named = case.named
    if isinstance(named, Endpoint):
        _step_s3(case, named)
    elif isinstance(named, AwsName):
        _step_service(case, named)
    elif isinstance(named, OtherService):
        detail = f'"{named.host}" is {named.service}, another service than S3'
        refuse_step(case, Refusal(Reason.SERVICE_NOT_S3, detail))
    else:
        refuse_step(case, foreign(case.host.name))


def _step_service(case: Case, named: AwsName) -> None:
    """Step 7 for a listed service beside S3, with its accounts."""
    listed = case.policy.hosts.get(named.host)
    case.read_credential()
    if listed is None:
        refuse_step(case, unlisted_service(named))
    _step_signature(case)
    if listed is not None:
        account = _account(case)
        if account not in listed.accounts:
            refuse_step(case, Refusal(Reason.ACCOUNT_NOT_ALLOWED, account_problem(account)))
        case.allowed = Reason.ALLOWED_HOST


def _step_s3(case: Case, endpoint: Endpoint) -> None:
    """Steps 8 to 15."""
    address = case.read_target(endpoint)
    step_endpoint(case, endpoint)
    if address.style is Style.PATH and not case.policy.path_style:
        refuse_step(case, path_style_refused())
    step_place(case, address)
    rules = case.rules_for(address)
    if not rules:
        refuse_step(case, unlisted(case, address))
    operation = case.read_operation()
    claim = case.claim(address, operation) if any(rule.owner for rule in rules) else None
    asked = Asked(endpoint.region, operation, address.keys, case.request.client, _account(case), claim)
    found = _find_for(case, rules, asked)
    if isinstance(found, Rule):
        _allow(case, found)
    elif found:
        refuse_step(case, _rule_refusal(case, found))
    _step_copy(case, address, operation)
    if not isinstance(found, Rule):
        _step_bonds(case, found, asked)
    _step_signature(case)


def _find_for(case: Case, rules: Sequence[Rule], asked: Asked) -> Rule | tuple[RuleRefusal, ...]:
    """Step 12: the rules of the file in their order, then the row of a preset.

    An anonymous request that step 15 would refuse can pass by such a row alone, so it comes first then:
    a rule more never denies.
    """
    if case.credential is None and rules and rules[-1].preset is not None and not case.policy.unsigned:
        found = find_rule(case.policy, rules[-1:], asked)
        if isinstance(found, Rule):
            return found
    return find_rule(case.policy, rules, asked)


def _allow(case: Case, rule: Rule) -> None:
    case.rule, case.allowed = rule.id, Reason.ALLOWED_BY_RULE
    if rule.preset is not None:
        case.allowed = Reason.ALLOWED_PRESET
        case.exempt = rule.preset.signing is Signing.ANONYMOUS


def _account(case: Case) -> str | None:
    return case.credential.account if case.credential else None


def _rule_refusal(case: Case, refusals: Sequence[RuleRefusal]) -> Refusal:
    """The furthest rule's reason; monitor mode of any of these rules lifts its own refusal.

    Where the furthest one is never lifted, the furthest that is comes first: a rule more never denies.
    """
    watched = _watched(case, refusals)
    furthest = refusals[0]
    if watched and furthest.reason not in LIFTABLE:
        furthest = watched[0]
    rule = watched[0].rule if watched else furthest.rule
    return Refusal(furthest.reason, furthest.detail, rule.id, monitor=rule.monitor)


def _watched(case: Case, refusals: Sequence[RuleRefusal]) -> list[RuleRefusal]:
    """The refusals that monitor mode, the policy's or the rule's own, would lift."""
    now = case.request.now
    whole = case.policy.monitor is not None and case.policy.monitor.active(now)
    return [
        one
        for one in refusals
        if one.reason in LIFTABLE
        and (whole or (one.rule.monitor is not None and one.rule.monitor.active(now)))
    ]


def _step_copy(case: Case, address: S3Address, operation: Operation) -> None:
    """Step 13: the source of a copy is read by a rule of its own."""
    source = case.copy_source
    if source is None:
        return
    where = f'copy source "{source.bucket}"'
    rules = case.source_rules(source, address.endpoint.partition)
    if not rules:
        refuse_step(case, Refusal(Reason.COPY_SOURCE_NOT_LISTED, f"{where} is not on the egress allowlist"))
        return
    claim = case.source_claim(source, address, operation) if any(rule.owner for rule in rules) else None
    asked = Asked(source.region, _READ_SOURCE, (source.key,), case.request.client, _account(case), claim)
    found = find_rule(case.policy, rules, asked)
    if isinstance(found, Rule):
        return
    refusal = _rule_refusal(case, found)
    reason = Reason.COPY_SOURCE_NOT_LISTED if refusal.reason in LIFTABLE else refusal.reason
    detail = f"{where} may not be read: {refusal.detail}"
    refuse_step(case, refusal._replace(reason=reason, detail=detail))
    _step_bonds(case, found, asked)


def _step_bonds(case: Case, refusals: Sequence[RuleRefusal], asked: Asked) -> None:
    """Step 14: monitor mode lifted these; what it never lifts must hold for one of the lifted rules."""
    if not refusals:
        problem = encryption_problem(asked)
        if problem is not None:
            refuse_step(case, Refusal(Reason.ENCRYPTION_NOT_ALLOWED, problem))
        return
    bonds = [check_bonds(one.rule, asked) for one in _watched(case, refusals)]
    broken = next((one for one in bonds if one is not None), None)
    if broken is not None and None not in bonds:
        refuse_step(case, Refusal(broken.reason, broken.detail, broken.rule.id))


def _step_signature(case: Case) -> None:
    """Step 15."""
    exempt = case.exempt or case.probe_exempt
    problem = signature_problem(case.policy, case.request.now, case.named, case.credential, exempt)
    if problem is not None:
        refuse_step(case, Refusal(*problem))
