"""What arrives in place of an answer when GitHub, or something on the way to it, fails."""

from http import HTTPStatus

from local.fake_github import graphql
from local.fake_github.faults import Fault
from local.fake_github.reply import Reply, error

# The proxy's own page, as quoted in turbot/steampipe-plugin-github#518.
HTML_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def broken_rest(fault: Fault) -> Reply:
    if fault.kind == "status":
        return error(fault.status, "Server Error")
    return _broken(fault, b'[{"id": 1, "name": "cut o')


def broken_graphql(fault: Fault, request_id: str) -> Reply:
    if fault.kind == "status":
        return graphql.timed_out(fault.status, request_id)
    return _broken(fault, b'{"data":{"nodes":[{"id":"R_')


def broken_renewal(fault: Fault) -> Reply:
    if fault.kind == "status":
        return error(fault.status, "Server Error")
    return _broken(fault, b'{"access_token":"ghu_')


def _broken(fault: Fault, broken_json: bytes) -> Reply:
    if fault.kind == "html":
        page = HTML_PAGE.replace("502 Bad Gateway", f"{fault.status} {HTTPStatus(fault.status).phrase}")
        return Reply(fault.status, page.encode(), {"content-type": "text/html"})
    return Reply(200, broken_json, is_cut=fault.kind == "cut")
