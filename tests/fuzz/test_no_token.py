"""Whatever is asked, and however: without a right token the answer is 401, and nobody asks the store anything."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.fuzz.conftest import API, TOKENS, Tries
from tests.fuzz.requests import OPEN, Sent, requests, targets
from tests.memory import Worker

SAMPLE = "/session/codechat/sales/creds"


@st.composite
def nearly(draw: DrawFn) -> str:
    """Something that is nearly a right token."""
    token = draw(st.sampled_from(TOKENS))
    place = draw(st.integers(0, len(token)))
    odd = draw(st.characters(max_codepoint=0xFF, exclude_characters="\r\n\0"))
    other = draw(st.sampled_from(TOKENS))
    wrong = draw(
        st.sampled_from(
            [
                token[:place],
                token[place:],
                token[:place] + odd + token[place:],
                token[:place] + odd + token[place + 1 :],
                token.swapcase(),
                f"{token}{other}",
                f"{token}, {other}",
                f"{token} {token}",
                f'"{token}"',
                f"Bearer {token}",
                f"apikey={token}",
                "".join(f"%{ord(letter):02X}" for letter in token),
                b64encode(token.encode()).decode(),
                token[::-1],
                f"{token}\xa0",
                f"{token}\x1f",
                f"\xef\xbb\xbf{token}",
                "",
            ]
        )
    )
    return wrong if wrong.strip(" \t\x0b\x0c") not in TOKENS else "wrong"  # what Twisted takes away around a value


NOT_A_HEADER = st.sampled_from(
    ["X-Api-Key", "api-key", "api_key", "apikeys", "apike", "Proxy-Authorization", "X-Authorization", "Cookie", "token"]
)
NOT_BEARER = [
    "Basic {}",
    "Bearer{}",
    "Bearer:{}",
    "Bearer={}",
    "Bearer,{}",
    "Token {}",
    "Bearers {}",
    "{}",
    "Digest {}",
]
NOT_THE_TOKEN = [
    "Bearer {} x",
    "Bearer x {}",
    'Bearer "{}"',
    "Bearer Bearer {}",
    "Bearer {},",
    "Bearer {0}, Bearer {0}",
]


@st.composite
def shown(draw: DrawFn) -> list[tuple[str, str]]:
    """Headers that show no right token, or more than one."""
    token = draw(st.sampled_from(TOKENS))
    one_that_counts = st.one_of(
        st.tuples(st.sampled_from(["apikey", "Apikey"]), nearly() | st.just(token)),
        st.tuples(
            st.just("Authorization"), st.sampled_from(["Bearer {}", "bearer  {}"]).map(lambda form: form.format(token))
        ),
    )
    return draw(
        st.one_of(
            st.just([]),
            st.tuples(st.just("apikey"), nearly()).map(lambda header: [header]),
            st.tuples(NOT_A_HEADER, st.just(token)).map(lambda header: [header]),
            st.sampled_from([*NOT_BEARER, *NOT_THE_TOKEN]).map(lambda form: [("Authorization", form.format(token))]),
            nearly().map(lambda wrong: [("authorization", f"Bearer {wrong}")]),
            st.lists(one_that_counts, min_size=2, max_size=3),
        )
    )


def is_open(sent: Sent) -> bool:
    """Whether docs/protocol.md says that a request needs no token."""
    target = sent.target
    if target.lower().startswith(("http://", "https://")):
        target = "/" + target.partition("://")[2].partition("/")[2]
    return (sent.method, target.partition("?")[0]) in OPEN


def announces_a_body(sent: Sent) -> bool:
    """Whether a stranger asks first, or does not say, how much he sends: docs/protocol.md, "Limits"."""
    names = {name.lower() for name, _ in sent.headers}
    return bool(sent.body) and not names.isdisjoint({"expect", "transfer-encoding"})


def test_nothing_but_401_is_answered_without_a_right_token(worker: Worker, tries: Tries, cases: Counter[str]) -> None:
    @tries(160)
    @given(requests(shown()))
    @example(Sent("GET", "/%73ession/codechat/sales/creds", "1.1", [], b""))
    @example(Sent("GET", f"http://{API}@worker{SAMPLE}", "1.1", [], b""))
    @example(Sent("options", "/ping", "1.1", [], b""))
    @example(Sent("GET", "/health", "1.1", [("Expect", "100-continue")], b"x"))
    @example(Sent("GET", SAMPLE, "1.1", [("apikey", "%74o-look")], b""))
    @example(Sent("GET", f"{SAMPLE}?apikey=to-look", "1.1", [("apikey", "")], b""))
    @example(Sent("OPTIONS", "/ping%2F..%2Fsession", "1.0", [("Authorization", "Bearer")], b""))
    @example(Sent("GET", SAMPLE, "1.1", [("apikey", f"{API}"), ("Authorization", f"Bearer {API}")], b""))
    def try_one(sent: Sent) -> None:
        for _ in range(2):  # the second time its head might be known
            worker.store.calls.clear()
            answers = [answer for answer in worker.raw(sent.data, sent.method, sent.method) if answer.status != 100]
            [answer] = answers
            if is_open(sent):
                refused = {401} if announces_a_body(sent) else set()  # before it comes: nobody needs it
                assert answer.status in {200, 400} | refused  # the second for a query
                cases["open"] += 1
                continue
            assert (sent, answer.status) == (sent, 401)
            assert answer.header("www-authenticate") is not None
            assert worker.store.calls == []
            for token in TOKENS:
                assert token not in answer.body.decode()
            cases["401"] += 1

    try_one()
    assert [line for line in worker.log for token in TOKENS if token in line] == []


def test_a_right_token_in_whatever_way_it_is_shown_is_never_401(
    worker: Worker, tries: Tries, cases: Counter[str]
) -> None:
    """So the test above shows what is nearly right, and not what is right nowhere."""
    ways = [("apikey", "{}"), ("APIKEY", " {} "), ("Authorization", "Bearer {}"), ("authorization", "bEARER \t{} ")]

    @tries(40)
    @given(st.sampled_from(TOKENS), st.sampled_from(ways), targets(), st.sampled_from(["GET", "HEAD", "PUT"]))
    def try_one(token: str, way: tuple[str, str], target: str, method: str) -> None:
        sent = Sent(method, target, "1.1", [(way[0], way[1].format(token))], b"")
        [answer] = worker.raw(sent.data, method)
        assert answer.status != 401
        cases[str(answer.status)] += 1

    try_one()


def test_a_token_at_the_end_of_a_chunked_body_comes_too_late(worker: Worker) -> None:
    head = f"POST {SAMPLE} HTTP/1.1\r\nHost: worker\r\nTransfer-Encoding: chunked\r\nTrailer: apikey\r\n\r\n"
    [answer] = worker.raw(f"{head}0\r\napikey: {API}\r\n\r\n".encode(), "POST")
    assert answer.status == 401
    assert worker.store.calls == []
