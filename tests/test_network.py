"""Who may come in over a network, and where the token is read from."""

import pytest

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.network import check_way_in, hosts_of, is_loopback, listen, read_token, same_token

TOKEN = "a-token-of-the-tests"  # noqa: S105


def test_beyond_loopback_a_token_is_needed():
    for host in ("0.0.0.0", "::", "192.0.2.1", "robot.test"):  # noqa: S104
        with pytest.raises(InvalidArgumentError, match="token"):
            check_way_in(host, None, ["robot.test"])
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_way_in(host, None)


@pytest.mark.parametrize("token", ["", "short", "has a blank in its midst", "é" * 20])
def test_a_poor_token_is_refused(token):
    with pytest.raises(InvalidArgumentError, match="token"):
        check_way_in("127.0.0.1", token)


def test_all_addresses_need_a_name():
    with pytest.raises(InvalidArgumentError, match="--allow-host"):
        check_way_in("0.0.0.0", TOKEN)  # noqa: S104
    check_way_in("192.0.2.1", TOKEN)


def test_loopback_and_hosts():
    assert not is_loopback("127.0.0.1.evil.example")
    assert set(hosts_of("127.0.0.1", 80, ())) == {"127.0.0.1:80", "localhost:80", "[::1]:80"}
    assert hosts_of("0.0.0.0", 80, ["robot.test"]) == ["robot.test:80"]  # noqa: S104
    assert hosts_of("192.0.2.1", 80, ["robot.test"]) == ["192.0.2.1:80", "robot.test:80"]


def test_the_token_is_read_from_its_file_or_else_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("A_TOKEN", "the-environment's")
    assert read_token(file, "A_TOKEN") == TOKEN
    assert read_token(None, "A_TOKEN") == "the-environment's"
    monkeypatch.setenv("A_TOKEN", "")
    assert read_token(None, "A_TOKEN") is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_token_file_without_a_token_is_refused(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="token"):
        read_token(file, "A_TOKEN")


def test_only_the_same_token_is_the_same():
    assert same_token(TOKEN, TOKEN)
    for other in ("", TOKEN[:-1], TOKEN + " ", TOKEN.upper(), "é\udcff"):
        assert not same_token(other, TOKEN)


def test_any_free_port_and_a_taken_one():
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        assert port
        with pytest.raises(InvalidArgumentError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port)
