"""The catalogue as one self-contained page for agencies: each service in Thai and English, and who stops without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gdcc.model import Estate, PlanName, Service
from gdcc.reach.markup import Markup, both, join, tag
from gdcc.services.graph import picture
from gdcc.services.impact import Affected, Impact, impact
from gdcc.services.market import Listing
from gdcc.services.style import CSS

_TITLE = ("บริการกลางภาครัฐ", "Common services of the government cloud")
_EXAMPLE = (
    "ข้อมูลตัวอย่าง: ผู้ติดต่อ ที่อยู่ ขีดจำกัด ราคา และระดับบริการสมมติขึ้น",
    "Example: contacts, addresses, limits, prices and objectives are invented.",
)
_PLANS = {PlanName.TRIAL: ("ทดลอง", "trial"), PlanName.LIVE: ("ใช้จริง", "live")}
_STATUS = {"available": ("พร้อมใช้", "available"), "planned": ("อยู่ในแผน", "planned")}
_CREDENTIALS = {
    "none": ("ไม่มี ใช้โทเค็นของระบบยืนยันตัวตน", "none: a token of the identity service"),
    "client": ("ไคลเอนต์ของระบบยืนยันตัวตน", "a client of the identity service"),
    "key-pair": ("คู่กุญแจ", "a key pair"),
}


def page(estate: Estate, listings: Sequence[Listing]) -> str:
    """The page.

    Args:
        estate: everything that is asked.
        listings: the services, in the order to show them.

    Returns:
        HTML that needs nothing from anywhere else, and no script.
    """
    available = [one for one in listings if one.service.status == "available"]
    planned = [one for one in listings if one.service.status == "planned"]
    body = join(
        tag("header", tag("h1", both(*_TITLE)), _summary(available, planned)),
        both("บริการใดต้องอาศัยบริการใด", "Which service needs which", "h2"),
        picture(estate.services),
        both("พร้อมใช้", "Available", "h2"),
        *(_card(one, impact(estate, one.name)) for one in available),
        both("อยู่ในแผน ยังขอใช้ไม่ได้", "Planned, and not to be bound yet", "h2"),
        _planned(planned),
    )
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", " / ".join(_TITLE)),
        tag("style", Markup(CSS)),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', tag('main', body)), lang='th')}\n"


def _summary(available: Sequence[Listing], planned: Sequence[Listing]) -> Markup:
    ready, later = len(available), len(planned)
    how = both(
        "ขอใช้ในไฟล์คำขอของหน่วยงาน ช่อง services: dev และ uat ได้แผนทดลองทันที prod ได้แผนใช้จริงเมื่อผู้อนุมัติครบ",
        "Ask under services in the agency's request: dev and uat get the trial plan at once, prod the live plan "
        "once all have approved.",
        "p",
    )
    counted = both(f"พร้อมใช้ {ready} บริการ อยู่ในแผน {later} บริการ", f"{ready} available, {later} planned", "p")
    return join(counted, how)


def _card(listing: Listing, found: Impact) -> Markup:
    service = listing.service
    title = tag("h3", both(service.title.th, service.title.en), " ", tag("code", listing.name))
    return tag(
        "section",
        join(title, tag("span", both(*_STATUS[service.status]), class_="state")),
        both(service.description.th, service.description.en, "p"),
        tag("p", both(*_EXAMPLE), class_="example") if service.example else "",
        tag("div", _plans(listing), _facts(service), class_="columns"),
        _impact(found),
        id=listing.name,
        class_="card",
    )


def _plans(listing: Listing) -> Markup:
    service = listing.service
    counted = service.counts
    heads = [
        ("แผน", "Plan"),
        ("คำขอต่อนาที", "Requests a minute"),
        (f"{counted.th}ต่อเดือน", f"{counted.en} a month") if counted else ("ต่อเดือน", "a month"),
        ("ราคา (บาท)", "Price (THB)"),
        ("หน่วยงานที่ผูกแล้ว", "Agencies bound"),
    ]
    head = tag("thead", tag("tr", *(tag("th", both(*one), scope="col") for one in heads)))
    rows = []
    for name, plan in service.plans.items():
        waiting = len(listing.pending) if name is PlanName.LIVE else 0
        price = f"{plan.price.thb:,.2f}" if plan.price.thb else "0"
        pending = tag("small", both(f"รออนุมัติ {waiting}", f"{waiting} wait for approval")) if waiting else ""
        rows.append(
            tag(
                "tr",
                tag("th", both(*_PLANS[name]), scope="row"),
                tag("td", f"{plan.limits.requests_per_minute:,}", class_="number"),
                tag("td", f"{plan.limits.per_month:,}", class_="number"),
                tag("td", price, tag("small", both(plan.price.per.th, plan.price.per.en))),
                tag("td", str(len(listing.bound[name])), pending),
            )
        )
    return tag("div", tag("table", head, tag("tbody", *rows)), class_="wide")


def _facts(service: Service) -> Markup:
    pairs = ((name, told) for name, told in _told(service) if told)
    return tag(
        "dl", *(join(tag("dt", both(*name)), tag("dd", *(tag("div", one) for one in told))) for name, told in pairs)
    )


def _told(service: Service) -> Iterator[tuple[tuple[str, str], Sequence[str]]]:
    if service.owner:
        yield ("เจ้าของบริการ", "Owner"), [both(service.owner.th, service.owner.en)]
    if service.contacts:
        people = (service.contacts.owner, service.contacts.support, service.contacts.security)
        yield ("ติดต่อ", "Contacts"), [f"{one.name} {one.email}" for one in people]
    yield ("ชั้นข้อมูลที่ส่งผ่านได้", "Data classes"), [" ".join(one.value for one in service.data_classes)]
    yield ("โซน", "Zones"), [", ".join(service.zones)]
    yield ("จุดเชื่อมต่อ", "Endpoints"), [tag("code", one.url) for one in service.endpoints]
    if service.slo:
        promise = f"{service.slo.availability:g}%"
        thai = f"พร้อมใช้ {promise} ต่อเดือน ตอบใน {service.slo.latency_ms:,} มิลลิวินาที (95%) {service.slo.support.th}"
        english = f"{promise} of a month, {service.slo.latency_ms:,} ms (95%), {service.slo.support.en.lower()}"
        yield ("ระดับบริการ", "Objective"), [both(thai, english)]
    approvers = [both(one.title.th, one.title.en) for one in service.approvals]
    yield ("ผู้อนุมัติก่อนใช้จริง", "Approvals before live"), approvers or [both("ไม่ต้องอนุมัติ", "nobody's")]
    yield ("ข้อมูลรับรอง", "Credential"), [both(*_CREDENTIALS[service.credential])]
    yield ("ฐานกฎหมาย", "Law"), service.legal_basis


def _impact(found: Impact) -> Markup:
    hit = {one.tenant.id for one in (*found.bound, *found.by_agreement)}
    stops = ", ".join(found.services)
    told = tag(
        "summary",
        both(
            f"ถ้าบริการนี้หยุด: กระทบ {len(hit)} หน่วยงาน" + (f" และบริการ {stops}" if stops else ""),
            f"When it stops: {len(hit)} agencies" + (f", and the services {stops}" if stops else ""),
        ),
    )
    groups = (
        ("ผูกกับบริการที่หยุด", "Bound to what stops", found.bound),
        ("พึ่งข้อมูลของหน่วยงานเหล่านั้นตามข้อตกลง", "Rely on data of these by agreement", found.by_agreement),
    )
    return tag("details", told, *(_affected(thai, english, some) for thai, english, some in groups if some))


def _affected(thai: str, english: str, some: Iterable[Affected]) -> Markup:
    items = (
        tag(
            "li",
            tag("b", one.tenant.agency),
            " ",
            tag("span", " ".join(environment.value for environment in one.environments), class_="en"),
            tag("small", f"{one.tenant.request.names.th}: {', '.join(one.because)}"),
        )
        for one in some
    )
    return join(both(thai, english, "h4"), tag("ul", *items, class_="agencies"))


def _planned(listings: Sequence[Listing]) -> Markup:
    heads = (
        ("บริการ", "Service"),
        ("คำอธิบาย", "What it does"),
        ("ต้องอาศัย", "Needs"),
        ("หน่วยงานที่รอใช้", "Agencies waiting"),
    )
    head = tag("thead", tag("tr", *(tag("th", both(*one), scope="col") for one in heads)))
    rows = (
        tag(
            "tr",
            tag("th", both(one.service.title.th, one.service.title.en), tag("small", one.name), scope="row"),
            tag("td", both(one.service.description.th, one.service.description.en)),
            tag("td", ", ".join(one.service.depends_on)),
            tag("td", str(len(one.awaiting)), class_="number"),
            id=one.name,
        )
        for one in listings
    )
    return tag("div", tag("table", head, tag("tbody", *rows)), class_="wide")
