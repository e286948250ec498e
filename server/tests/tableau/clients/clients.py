"""Real clients of Tableau Server against the simulated one: `clients.py CASE`, what the case needs as JSON on its input.

Whatever a case finds otherwise than on a real server ends the process with a traceback.
"""

import json
import sys

import tableauserverclient as TSC
from tableauserverclient.server.endpoint.exceptions import (
    FailedSignInError,
    InternalServerError,
    NonXMLResponseError,
    NotSignedInError,
    ServerResponseError,
)


def raises(kind, work):
    """The error of that kind that the work ends with."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind}")


def tsc_signs_in_and_out(far):
    """`tableauserverclient`: each identity, under several versions of the API, at two sites."""
    password = lambda site="": TSC.TableauAuth(far["user"], far["password"], site_id=site)
    pat = TSC.PersonalAccessTokenAuth(far["pat_name"], far["pat_secret"], site_id="Sales")
    for version in ["2.4", "2.8", "3.1", "3.6", "3.9", "3.10", "3.17", "3.27"]:
        server = TSC.Server(far["url"])
        server.version = version
        identities = [password(), password("Sales")]
        if TSC.server.server.Version(version) >= TSC.server.server.Version("3.6"):
            identities.append(pat)
        for identity in identities:
            with server.auth.sign_in(identity):
                token = server.auth_token
                assert token.count("|") == 2, token
                assert server.site_url == identity.site_id, (version, server.site_url)
                sites, pages = server.sites.get()
                assert {site.name for site in sites} == {"Default", "Sales"}, sites
                users, pages = server.users.get()
                assert any(user.name == far["user"] for user in users) or pages.total_available > 100
            assert not server.is_signed_in()
            # What was signed out is not accepted any more.
            server._auth_token, server._site_id, server._user_id = token, "x", "y"
            assert raises(NotSignedInError, server.sites.get).code == "401002"

    # It signs in under 2.4, asks for the server's version then, and signs out under that.
    server = TSC.Server(far["url"], use_server_version=True)
    with server.auth.sign_in(password()):
        assert server.version == "3.27", server.version
        info = server.server_info.get()
        assert (info.product_version, info.rest_api_version) == ("2025.3.0", "3.27"), info
    assert not server.is_signed_in()

    server.auth.sign_in(password())
    before = server.auth_token
    sales = next(site for site in server.sites.get()[0] if site.content_url == "Sales")
    server.auth.switch_site(sales)
    assert server.auth_token != before and server.site_url == "Sales"
    server.auth.sign_out()


def tsc_meets_errors(far):
    """`tableauserverclient`: what is refused arrives as the errors it has for that."""
    server = TSC.Server(far["url"])
    server.version = "3.10"
    wrong = TSC.TableauAuth(far["user"], "wrong")
    error = raises(FailedSignInError, lambda: server.auth.sign_in(wrong))
    assert error.code == "401001", error
    revoked = TSC.PersonalAccessTokenAuth("nobody's", "none")
    assert raises(FailedSignInError, lambda: server.auth.sign_in(revoked)).code == "401001"
    nowhere = TSC.TableauAuth(far["user"], far["password"], site_id="no-such-site")
    assert raises(FailedSignInError, lambda: server.auth.sign_in(nowhere)).code == "401001"
    server.version = "3.99"
    known = TSC.TableauAuth(far["user"], far["password"])
    assert raises(ServerResponseError, lambda: server.auth.sign_in(known)).code == "404003"


def tsc_meets_a_gateway(far):
    """`tableauserverclient`: what stands in front of a server answers in its place."""
    server = TSC.Server(far["url"])
    server.version = "3.10"
    known = TSC.TableauAuth(far["user"], far["password"])
    kind = {"5xx": InternalServerError, "4xx": NonXMLResponseError}[far["answers"]]
    raises(kind, lambda: server.auth.sign_in(known))


def tools_end_protected_sessions(far):
    """`tableau_tools`: its repository query, then DELETE for each session it found of a person."""
    from tableau_tools import TableauServerRest39
    from tableau_tools.tableau_repository import TableauRepository

    repository = TableauRepository(far["repository"], "any", "readonly")
    rows = repository.query_sessions(username=far["target"]).fetchall()
    ids = {row[0] for row in rows}
    assert ids == set(far["sessions"]), (ids, far["sessions"])
    assert {row[6] for row in rows} == {far["target"]}
    everybody = repository.query_sessions().fetchall()
    assert len(everybody) > len(rows) and len(everybody[0]) == 8

    rest = TableauServerRest39(server=far["url"], username=far["user"], password=far["password"])
    rest.signin()
    assert rest.get_current_server_session() is not None
    for id in ids:
        assert rest.delete_server_session(id) is None
    assert repository.query_sessions(username=far["target"]).fetchall() == []
    # It keeps quiet about what was not there.
    assert rest.delete_server_session("AAAAAAAAQAAAAAAAAAAAAA") is None
    rest.signout()


def tools_end_legacy_sessions(far):
    """`tableau_tools`, as in the published script: the id from the repository is the token to sign out with."""
    from tableau_tools import TableauServerRest
    from tableau_tools.tableau_exceptions import NotSignedInException
    from tableau_tools.tableau_repository import TableauRepository

    wrong = TableauServerRest(server=far["url"], username=far["user"], password="wrong")
    raises(NotSignedInException, wrong.signin)

    repository = TableauRepository(far["repository"], "any", "readonly")
    rest = TableauServerRest(server=far["url"], username=far["user"], password=far["password"])
    rest.signin()
    ended, refused = [], []
    for row in repository.query_sessions(username=far["target"]):
        try:
            rest.signout(session_token=row[0])
            ended.append(row[0])
        except NotSignedInException:
            refused.append(row[0])
    assert sorted(ended) == sorted(far["legacy"]), (ended, far["legacy"])
    assert sorted(refused) == sorted(far["protected"]), (refused, far["protected"])
    left = {row[0] for row in repository.query_sessions(username=far["target"])}
    assert left == set(far["protected"]), left


def tools_meet_a_new_repository(far):
    """`tableau_tools`: its query asks for a column that went away with 2023.1."""
    import psycopg2
    from tableau_tools.tableau_repository import TableauRepository

    repository = TableauRepository(far["repository"], "any", "readonly")
    error = raises(psycopg2.errors.UndefinedColumn, repository.query_sessions)
    assert "sessions.data" in str(error), error


def tools_without_the_right(far):
    """`tableau_tools`: nobody but a server administrator ends the sessions of others, and it keeps quiet about that."""
    from tableau_tools import TableauServerRest39

    rest = TableauServerRest39(server=far["url"], username=far["user"], password=far["password"])
    rest.signin()
    for id in far["sessions"]:
        assert rest.delete_server_session(id) is None
    rest.signout()


def tools_get_a_ticket(far):
    """`tableau_tools`: it says nothing of a content type, so a strict server answers `-1`, which it takes for a ticket."""
    from tableau_tools.tableau_http import TableauHTTP

    http = TableauHTTP(far["url"])
    ticket = http.get_trusted_ticket_for_user(far["target"], site=far["site"]).decode()
    if far["refused"]:
        assert ticket == "-1", ticket
        return
    assert len(ticket) == 49 and ticket[24] == ":", ticket
    opened = http.redeem_trusted_ticket("Login/Login", ticket, site=far["site"])
    assert opened.status_code == 200 and opened.content.startswith(b"\x89PNG"), opened
    assert http.session.cookies.get("workgroup_session_id"), http.session.cookies
    again = TableauHTTP(far["url"]).redeem_trusted_ticket("Login/Login", ticket, site=far["site"])
    assert "Sign in to Tableau Server" in again.text, again.text


if __name__ == "__main__":
    globals()[sys.argv[1]](json.load(sys.stdin))
