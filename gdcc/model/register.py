"""The register of agreements: ``stacks/agreements/`` read, both parties found, everything wrong with a deal told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from gdcc.model.agency import Notice
from gdcc.model.agreement import AgreementFile, Party, Signature, State, content_hash
from gdcc.model.document import Document
from gdcc.model.estate import Agreement, Tenant
from gdcc.model.folder import records, to_be_signed
from gdcc.model.problems import Problem, nearest
from gdcc.model.traffic import Offer
from gdcc.model.tree import AgencyFile

FOLDER = "stacks/agreements"


class Register:
    """Reads the agreements and follows their references, each once.

    Args:
        agencies: every request there is, so that an agency of another stack is not taken for a spelling mistake.
        tenants: those that are built.
        today: the day that dates are judged by.
        problems: what is wrong is added here.
    """

    def __init__(
        self, agencies: Sequence[AgencyFile], tenants: Sequence[Tenant], today: date, problems: list[Problem]
    ) -> None:
        self.agencies = {file.agency for file in agencies}
        self.tenants = {tenant.agency: tenant for tenant in tenants}
        self.today = today
        self.problems = problems
        self.documents: list[Document] = []

    def read(self, root: Path) -> Iterator[Agreement]:
        """The agreements between tenants that are built, over or in force, by id; none whose file has problems."""
        listed = records(root / FOLDER, root, AgreementFile, self.today, self.problems, self.documents)
        for name, agreed, document in listed:
            if agreement := self._resolve(name, agreed, document):
                yield agreement

    def _resolve(self, name: str, agreed: AgreementFile, document: Document) -> Agreement | None:
        state = agreed.state(self.today)
        for notice in _notices(agreed, state):
            self.problems.append(document.problem(*notice, severity="warning"))
        if not state.over:  # what is over stays as a record, also when an agency or a service has gone
            for party, written in (("provider", agreed.provider), ("consumer", agreed.consumer)):
                if written not in self.agencies:
                    message = f"no agency is named `{written}`"
                    self.problems.append(document.problem((party,), message, nearest(written, self.agencies)))
        provider, consumer = self.tenants.get(agreed.provider), self.tenants.get(agreed.consumer)
        if provider is None or consumer is None:
            return None
        agreement = Agreement(name, agreed, provider, consumer, document.file)
        findings = [] if state.over else [*_terms(agreement), *_signatures(agreement, document)]
        self.problems.extend(document.problem(*finding) for finding in findings)
        return None if findings else agreement


def to_sign(file: Path, root: Path, today: date) -> str:
    """The hash that both parties of an agreement sign; the rest of the tree may have problems.

    Raises:
        StackError: the agreement has problems of its own: nobody should sign it.
        GdccError: the file is not an agreement's.
    """
    _, document = to_be_signed(file, root, FOLDER, AgreementFile, today, "an agreement")
    return content_hash(document)


def _notices(agreed: AgreementFile, state: State) -> Iterator[Notice]:
    """What stops nothing but opens nothing either."""
    if state is State.EXPIRED:
        message = f"expired on {agreed.expires}: its traffic is closed"
        yield Notice(("expires",), message, "a later day, signed again by both, or remove the file")
    if state is State.PENDING:
        missing = " and the ".join(agreed.unsigned())
        message = f"not signed by the {missing}: nothing is opened"
        yield Notice(("signatures",), message, "the owner's approval of what `gdcc agreements hash` prints")


def _terms(agreement: Agreement) -> Iterator[Notice]:
    """What cannot be agreed between these two."""
    agreed, provider, consumer = agreement.terms, agreement.provider, agreement.consumer
    offers = {offer.name: offer for offer in provider.request.offers}
    if agreed.service in offers:
        yield from _offered(agreed, offers[agreed.service])
    else:
        remedy = nearest(agreed.service, offers) or f"one that {provider.source} lists in `offers`"
        yield Notice(("service",), f"`{agreed.provider}` offers no service named `{agreed.service}`", remedy)
    if agreed.data_class > (most := consumer.request.data_class):
        what = f"{agreed.data_class.value}, and `{agreed.consumer}` may hold {most.value} at most"
        yield Notice(("data_class",), what, "a service of a lower class, or a higher class in the consumer's request")
    shared = [one for one in provider.quota if one in consumer.quota]
    for index, environment in enumerate(agreed.environments):
        if environment not in shared:
            what = f"`{environment.value}` is not an environment of both"
            yield Notice(("environments", index), what, nearest("", (one.value for one in shared)))
    if not shared:
        what = f"`{agreed.provider}` and `{agreed.consumer}` have no environment in common"
        yield Notice(("consumer",), what, "an environment of both in their requests")


def _offered(agreed: AgreementFile, offer: Offer) -> Iterator[Notice]:
    for index, port in enumerate(agreed.ports):
        if port not in offer.ports:
            what = f"`{offer.name}` does not listen on {port}"
            yield Notice(("ports", index), what, nearest(str(port), map(str, offer.ports)))
    if agreed.data_class is not offer.data_class:
        what = f"the service gives data of the class {offer.data_class.value}"
        yield Notice(("data_class",), what, f"`{offer.data_class.value}`")


def _signatures(agreement: Agreement, document: Document) -> Iterator[Notice]:
    """Whether the owner of each party has signed this very content."""
    current, signed = content_hash(document), agreement.terms.signatures
    parties: dict[Party, tuple[Tenant, Signature | None]] = {
        "provider": (agreement.provider, signed.provider),
        "consumer": (agreement.consumer, signed.consumer),
    }
    for party, (tenant, signature) in parties.items():
        if signature is None:
            continue
        owner = tenant.request.owner
        if signature.email.casefold() != owner.email.casefold():
            lead = signature.email.casefold() == tenant.request.technical_lead.email.casefold()
            who = f"the technical lead of `{tenant.agency}`" if lead else f"not the owner of `{tenant.agency}`"
            remedy = f"the approval of its owner, `{owner.email}`"
            yield Notice(("signatures", party, "email"), f"`{signature.email}` is {who}", remedy)
        if signature.content != current:
            what = "changed after signing: the hash is of another content"
            remedy = f"the content as it was signed, or a new approval of `{current}`"
            yield Notice(("signatures", party, "content"), what, remedy)
