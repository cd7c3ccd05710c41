"""What this proof does not see; part of every answer, so that nobody takes it for more than it is."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.model import LocalizedName
from gdcc.reach.landscape import Landscape


def limits(landscape: Landscape) -> Iterator[LocalizedName]:
    """Each in Thai and English."""
    yield LocalizedName(
        th="เครือข่ายของเครื่อง: นโยบายไม่มีผลกับพ็อดที่ใช้เครือข่ายของเครื่อง และเครื่องเข้าถึงพ็อดของตนได้เสมอ",
        en="host network: no policy holds for pods on a node's own network, and a node always reaches the pods on it",
    )
    yield LocalizedName(
        th="การบังคับใช้: ผลนี้เป็นจริงเมื่อปลั๊กอินเครือข่าย (CNI) บังคับใช้ NetworkPolicy เท่านั้น บางตัวไม่ทำ",
        en="enforcement: true only where the network plugin (CNI) enforces NetworkPolicy; some do not",
    )
    count = landscape.host_rules
    yield LocalizedName(
        th=f"ชื่อโฮสต์ (FQDN): ไม่ได้คำนวณกฎตามชื่อโฮสต์ ({count} นโยบาย) เจ้าของชื่อเป็นผู้กำหนดปลายทาง",
        en=f"host names (FQDN): the {count} policies by host name are not computed; a name leads where its owner says",
    )
    yield LocalizedName(
        th="ระบบจริง: คำนวณจากไฟล์ใน stacks/ สิ่งที่ถูกแก้บนคลัสเตอร์โดยตรงดูได้ด้วย gdcc refresh",
        en="live drift: computed from stacks/; what was changed on the cluster itself is seen by `gdcc refresh`",
    )
    yield LocalizedName(
        th="ของแพลตฟอร์ม: ถือว่าตัวแปลงชื่อและเกตเวย์ไม่มีนโยบายปิดกั้น และไม่รู้ว่าเกตเวย์ส่งต่อไปที่ใด",
        en="the platform's own: resolvers and gateways are taken to be open, and where a gateway leads on is not known",
    )
    yield LocalizedName(
        th="พ็อดเดียวกัน: พ็อดเข้าถึงตัวเองได้เสมอ ไม่มีนโยบายใดห้ามได้",
        en="the same pod: a pod always reaches itself, and no policy can forbid it",
    )
