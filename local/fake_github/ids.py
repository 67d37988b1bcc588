"""GitHub's global node ids, in the form of today and in the one before it."""

import base64

UINT32_MAX = 2**32 - 1


def node_id(prefix: str, number: int) -> str:
    """The current form: a type prefix and base64url of MessagePack's [0, id]."""
    packed = b"\xce" + number.to_bytes(4) if number <= UINT32_MAX else b"\xcf" + number.to_bytes(8)
    return prefix + "_" + base64.urlsafe_b64encode(b"\x92\x00" + packed).decode().rstrip("=")


def legacy_node_id(type_name: str, number: int) -> str:
    """The form of before 2021, which old repositories still answer: base64 of `010:Repository1296269`."""
    return base64.b64encode(f"0{len(type_name)}:{type_name}{number}".encode()).decode()
