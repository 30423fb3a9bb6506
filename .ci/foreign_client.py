# SPDX-License-Identifier: Apache-2.0
"""Holds the emulator's server against a client that nobody here wrote: google-genai, unmodified.

usage: foreign_client.py BASE_URL   (https; SSL_CERT_FILE names the certificate to trust)

The server's lifetimes are scaled down; foreign_client.sh starts it. Every check is a conversation of
its own, under its own label, and compares what the SDK saw with what `GET /emulator/report` says that
the server received and remembers.
"""
import asyncio
import contextlib
import datetime
import importlib.metadata
import json
import os
import sys
import time
import traceback
import urllib.parse
import urllib.request
import warnings

from google import genai
from google.genai import errors, types
import websockets

warnings.simplefilter("ignore")
BASE = sys.argv[1].rstrip("/") + "/"
# What foreign_client.sh gives the server.
CONNECTION, NOTICE, WINDOW, TOKEN = (float(os.environ[k]) for k in ("CONNECTION", "NOTICE", "WINDOW", "TOKEN"))
MODEL = "gemini-3.8-live"
STRICT_MODEL = "gemini-3.1-flash-live-preview"
LIGHTS = {"function_declarations": [{"name": "lights", "description": "Turns the lights on or off"}]}


# --- The report, and the digest in it ------------------------------------------------------------

def report(label=None):
    query = "?items=1" + (f"&label={urllib.parse.quote(label)}" if label else "")
    with urllib.request.urlopen(BASE + "emulator/report" + query, timeout=20) as answer:
        return json.load(answer)


async def session_of(label):
    """The one session under a label: a resume must never have begun another."""
    sessions = (await asyncio.to_thread(report, label))["sessions"]
    assert len(sessions) == 1, f"{len(sessions)} sessions under {label}"
    return sessions[0]


MASK = (1 << 64) - 1


def mix(state, word):
    product = (state ^ word ^ 0x9E3779B97F4A7C15) * 0xA0761D6478BD642F
    return (product >> 64) ^ (product & MASK) ^ ((state << 1 | state >> 63) & MASK)


def digest(data):
    state = 0x243F6A8885A308D3
    whole = len(data) // 8 * 8
    for index in range(0, whole, 8):
        state = mix(state, int.from_bytes(data[index:index + 8], "little"))
    return f"{mix(mix(state, int.from_bytes(data[whole:], 'little')), len(data)):016x}"


# --- The SDK --------------------------------------------------------------------------------------

def client(key, version="v1alpha"):
    options = types.HttpOptions(base_url=BASE, api_version=version) if version else types.HttpOptions(base_url=BASE)
    return genai.Client(api_key=key, http_options=options)


def config(label, handle=None, **more):
    settings = dict(
        response_modalities=["AUDIO"], output_audio_transcription={}, input_audio_transcription={},
        session_resumption=types.SessionResumptionConfig(handle=handle), labels={"session": label})
    settings.update(more)
    return types.LiveConnectConfig(**settings)


def connect(key, label, handle=None, model=MODEL, version="v1alpha", **more):
    return client(key, version).aio.live.connect(model=model, config=config(label, handle, **more))


async def mint(key="any-key", version="v1alpha", **settings):
    token = await client(key, version).aio.auth_tokens.create(config=settings or None)
    return token.name


def later(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


class Turn:
    """What one turn of the model brought."""

    def __init__(self):
        self.text, self.heard, self.audio, self.parts = "", "", b"", ""
        self.calls, self.interrupted, self.complete, self.usage = [], False, False, None

    def take(self, message):
        self.usage = message.usage_metadata or self.usage
        if message.tool_call:
            self.calls += message.tool_call.function_calls
        content = message.server_content
        if not content:
            return
        self.interrupted = self.interrupted or bool(content.interrupted)
        self.complete = self.complete or bool(content.turn_complete)
        if content.output_transcription:
            self.text += content.output_transcription.text or ""
        if content.input_transcription:
            self.heard += content.input_transcription.text or ""
        for part in (content.model_turn.parts if content.model_turn else None) or []:
            self.parts += part.text or ""
            if part.inline_data:
                self.audio += part.inline_data.data


class Talk:
    """A session with a reader of its own, as a server has one."""

    def __init__(self, session):
        self.session = session
        self.handle, self.go_away, self.failure = None, None, None
        self.messages = asyncio.Queue()
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        try:
            while True:
                async for message in self.session.receive():
                    update = message.session_resumption_update
                    if update and update.resumable and update.new_handle:
                        self.handle = update.new_handle
                    if message.go_away:
                        self.go_away = message.go_away
                    await self.messages.put(message)
        except (errors.APIError, asyncio.CancelledError) as failure:
            self.failure = failure
            await self.messages.put(None)

    async def turn(self, until=lambda turn: turn.complete):
        turn = Turn()
        while not until(turn):
            message = await asyncio.wait_for(self.messages.get(), 15)
            assert message is not None, f"the connection ended within a turn: {self.failure}"
            turn.take(message)
        return turn

    async def say(self, text):
        await self.session.send_realtime_input(text=text)
        return await self.turn()

    async def until(self, fact, seconds=15):
        """Reads on until the fact holds."""
        end = time.monotonic() + seconds
        while not fact():
            left = end - time.monotonic()
            assert left > 0, "it did not come in time"
            with contextlib.suppress(asyncio.TimeoutError):
                if await asyncio.wait_for(self.messages.get(), min(left, 0.25)) is None:
                    assert fact(), f"the connection ended: {self.failure}"

    async def ends(self):
        """Waits for the end of the connection and gives its error."""
        await asyncio.wait_for(asyncio.shield(self.reader), 20)
        return self.failure


@contextlib.asynccontextmanager
async def talk(*args, **kwargs):
    async with connect(*args, **kwargs) as session:
        conversation = Talk(session)
        try:
            yield conversation
        finally:
            conversation.reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await conversation.reader


async def refusal(*args, **kwargs):
    """The error of a session that must not begin. Where the close comes before the SDK has sent its
    setup, the SDK lets the error of its WebSocket library through: the same code and reason."""
    try:
        async with connect(*args, **kwargs) as session:
            await asyncio.wait_for(session.receive().__anext__(), 10)
    except errors.APIError as failure:
        return failure
    except websockets.ConnectionClosed as failure:
        return failure
    raise AssertionError("it was let in")


def same(one, other, what):
    assert one == other, f"{what}: {one!r} is not {other!r}"


def tells(failure, code, text):
    assert failure.code == code and text.lower() in str(failure).lower(), f"{failure!r} is not {code} {text!r}"


# --- Checks ---------------------------------------------------------------------------------------

async def mints_by_key():
    same((await mint())[:12], "auth_tokens/", "name")
    same((await mint(version="v1beta", uses=3))[:12], "auth_tokens/", "name of v1beta")


async def refuses_to_mint():
    async def failure(**kwargs):
        try:
            await mint(**kwargs)
        except errors.ClientError as error:
            return error
        raise AssertionError("it minted")

    bad = await failure(key="bad-key")
    tells(bad, 400, "API key not valid")
    same(bad.status, "INVALID_ARGUMENT", "status")
    tells(await failure(expire_time=later(TOKEN + 60)), 400, "too far in the future")
    tells(await failure(new_session_expire_time=later(WINDOW + 60)), 400, "too far in the future")
    same((await failure(version=None)).code, 404, "the SDK's own default version")


async def talks_by_key():
    async with talk("any-key", "by-key") as it:
        turn = await it.say("Hello over there, grüß dich")
        same(turn.text, "You said: Hello over there, grüß dich", "answer")
        assert len(turn.audio) > 1_000 and turn.usage.total_token_count > 0, "no audio, or no usage"
    seen = await session_of("by-key")
    same([item["text"] for item in seen["remembered"]["items"]], ["Hello over there, grüß dich"], "texts")
    same(seen["remembered"]["text"], {"count": 1, "bytes": 29}, "bytes of text")
    same(seen["turns"], 1, "turns")


async def talks_by_token():
    token = await mint(uses=1)
    async with talk(token, "by-token") as it:
        await it.session.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="Part one, ")]), turn_complete=False)
        await it.session.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="part two")]), turn_complete=True)
        same((await it.turn()).text, "You said: part two", "answer")
    seen = await session_of("by-token")
    same([(i["text"], i["turnComplete"]) for i in seen["remembered"]["items"]],
         [("Part one, ", False), ("part two", True)], "content")


async def hears_audio():
    speech = bytes((index * 7 + index // 256) & 255 for index in range(32_000 + 3))
    async with talk("any-key", "audio") as it:
        for start in range(0, len(speech), 640):
            await it.session.send_realtime_input(
                audio=types.Blob(data=speech[start:start + 640], mime_type="audio/pcm;rate=16000"))
        await it.session.send_realtime_input(audio_stream_end=True)
        turn = await it.turn()
        same(turn.heard, f"speech of {len(speech)} bytes", "transcription")
        same(turn.text, f"I heard speech of {len(speech)} bytes", "answer")
    seen = await session_of("audio")
    for account in (seen["received"], seen["remembered"]):
        same(account["audio"], {"count": 51, "bytes": len(speech)}, "audio")
        same(account["audioDigest"], digest(speech), "digest")
    same([item["kind"] for item in seen["remembered"]["items"]], ["audioStreamEnd"], "marks")


async def calls_a_tool():
    async with talk("any-key", "tool", tools=[LIGHTS]) as it:
        await it.session.send_realtime_input(text="please use the tool")
        turn = await it.turn(until=lambda turn: turn.calls)
        call = turn.calls[0]
        same((call.name, call.args), ("lights", {"request": "please use the tool"}), "call")
        await it.session.send_tool_response(function_responses=[
            types.FunctionResponse(id=call.id, name=call.name, response={"result": "läuft"})])
        answer = await it.turn()
        assert "läuft" in answer.text, answer.text
    seen = await session_of("tool")
    same(seen["pendingCalls"], [], "pending calls")
    response = seen["remembered"]["items"][1]
    same((response["id"], response["name"], json.loads(response["response"])),
         (call.id, "lights", {"result": "läuft"}), "tool response")


async def is_interrupted():
    async with talk("any-key", "interrupted") as it:
        await it.session.send_realtime_input(text="a long story")
        await it.turn(until=lambda turn: turn.audio)
        await it.session.send_realtime_input(text="stop")
        first = await it.turn()
        assert first.interrupted, "not interrupted"
        same((await it.turn()).text, "You said: stop", "answer")
    same((await session_of("interrupted"))["remembered"]["text"]["count"], 2, "texts")


async def resumes_after_go_away():
    token = await mint(uses=1)
    async with talk(token, "resumed") as it:
        await it.say("the first thing")
        await it.until(lambda: it.handle)
        await it.until(lambda: it.go_away, CONNECTION)
        left = float(str(it.go_away.time_left).rstrip("s"))
        assert 0 < left <= NOTICE, f"timeLeft {left}"
        handle = it.handle
    # The window has closed and the use is spent: a resume is free all the same.
    async with talk(token, "resumed", handle) as it:
        await it.say("the second thing")
        await it.until(lambda: it.handle)
        handle = it.handle
    # And a fresh token takes over.
    async with talk(await mint(), "resumed", handle) as it:
        same((await it.say("recall")).text, "recall: 3 items, 0 bytes of audio", "recall")
    seen = await session_of("resumed")
    same(seen["resumes"], 2, "resumes")
    same([item["text"] for item in seen["remembered"]["items"]],
         ["the first thing", "the second thing", "recall"], "texts")
    same(seen["forgotten"]["text"]["count"], 0, "forgotten")


async def goes_back_to_the_checkpoint():
    async with talk("any-key", "rolled-back") as it:
        await it.say("kept")
        await it.until(lambda: it.handle)
        handle = it.handle
        await it.session.send_realtime_input(text="lost, a long answer")
        await it.turn(until=lambda turn: turn.audio)
    async with talk("any-key", "rolled-back", handle) as it:
        await it.say("after")
    seen = await session_of("rolled-back")
    same([item["text"] for item in seen["remembered"]["items"]], ["kept", "after"], "remembered")
    same(seen["received"]["text"]["count"], 3, "received")
    same(seen["forgotten"]["text"]["count"], 1, "forgotten")


async def ignoring_go_away_is_closed():
    async with talk("any-key", "ignored") as it:
        tells(await it.ends(), 1008, "failed to close the connection")
        assert it.go_away, "no goAway before the end"


async def spends_its_uses():
    token = await mint(uses=1)
    async with talk(token, "spent") as it:
        await it.say("once")
    tells(await refusal(token, "spent-again"), 1011, "used too many times")
    same((await asyncio.to_thread(report, "spent-again"))["sessions"], [], "sessions")


async def past_its_window():
    token = await mint(uses=5)
    await asyncio.sleep(WINDOW + 0.5)
    failure = await refusal(token, "window")
    same(failure.code, 1011, "code")


async def past_its_expiry():
    token = await mint(uses=5, expire_time=later(3))
    async with talk(token, "expired") as it:
        tells(await it.ends(), 1011, "auth token has expired")
        handle = it.handle
    tells(await refusal(token, "expired", handle), 1011, "Token has expired")
    async with talk(await mint(), "expired", handle) as it:
        await it.say("renewed")
    same((await session_of("expired"))["resumes"], 1, "resumes")


async def locks_fields():
    token = await mint(
        live_connect_constraints={"model": MODEL, "config": {"response_modalities": ["TEXT"]}},
        lock_additional_fields=[])
    # The client asks for another model and for audio; neither takes effect. What is not locked does.
    async with talk(token, "locked", model="gemini-no-such-model", tools=[LIGHTS]) as it:
        turn = await it.say("spoken or written?")
        same((turn.parts, turn.audio), ("You said: spoken or written?", b""), "answer in text alone")
        await it.session.send_realtime_input(text="tool")
        same((await it.turn(until=lambda turn: turn.calls)).calls[0].name, "lights", "call")
    same((await session_of("locked"))["remembered"]["text"]["count"], 2, "texts")


async def locks_everything():
    token = await mint(live_connect_constraints={
        "model": MODEL, "config": {"response_modalities": ["TEXT"], "labels": {"session": "full-lock"}}})
    async with talk(token, "not-this-label", tools=[LIGHTS]) as it:
        turn = await it.say("hello")
        same((turn.parts, turn.audio), ("You said: hello", b""), "answer in text alone")
    same((await session_of("full-lock"))["turns"], 1, "turns under the token's label")
    same((await asyncio.to_thread(report, "not-this-label"))["sessions"], [], "the client's own label")


async def refuses_bad_credentials():
    tells(await refusal("bad-key", "bad"), 1007, "API key not valid")
    tells(await refusal("auth_tokens/never-minted", "bad"), 1007, "auth token")
    same((await asyncio.to_thread(report, "bad"))["sessions"], [], "sessions")


async def refuses_bad_setups():
    tells(await refusal("any-key", "bad-setup", model="gemini-no-such-model"), 1008, "is not found")
    tells(await refusal("any-key", "bad-setup", model="other-model"), 1008, "is not found")
    tells(await refusal("any-key", "bad-setup", handle="no-handle-of-ours"), 1008, "session not found")


async def refuses_content_on_a_strict_model():
    async with talk("any-key", "strict", model=STRICT_MODEL) as it:
        same((await it.say("first")).text, "You said: first", "answer")
        await it.session.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="second")]), turn_complete=True)
        tells(await it.ends(), 1007, "invalid argument")


async def other_paths():
    try:
        await refusal("any-key", "v1", version=None)
        raise AssertionError("v1 has no socket")
    except Exception as failure:
        assert "404" in str(failure), failure
    async with talk("any-key", "v1beta", version="v1beta") as it:
        same((await it.say("hi")).text, "You said: hi", "answer of v1beta")


CHECKS = [
    mints_by_key, refuses_to_mint, talks_by_key, talks_by_token, hears_audio, calls_a_tool, is_interrupted,
    resumes_after_go_away, goes_back_to_the_checkpoint, ignoring_go_away_is_closed, spends_its_uses,
    past_its_window, past_its_expiry, locks_fields, locks_everything, refuses_bad_credentials,
    refuses_bad_setups, refuses_content_on_a_strict_model, other_paths,
]


async def totals_agree():
    """After everything: nothing is left, and no promise was broken but two on purpose."""
    whole = await asyncio.to_thread(report)
    kinds = sorted(promise["kind"] for promise in whole["promisesBroken"])
    same(kinds, ["contentForbidden", "startedOnSpentToken"], "promises broken")
    same(whole["service"]["connectionsOpen"], 0, "connections open")
    same(whole["server"]["socketsOpen"], 0, "sockets open")
    same(whole["service"]["sessionsStarted"], len(whole["sessions"]), "sessions")
    same(whole["server"]["violations"], 0, "violations")


async def main():
    passed = failed = 0

    async def run(check):
        nonlocal passed, failed
        begin = time.monotonic()
        try:
            await asyncio.wait_for(check(), 60)
            passed += 1
            print(f"ok    {check.__name__:36} {time.monotonic() - begin:5.1f} s", flush=True)
        except BaseException:
            failed += 1
            print(f"FAIL  {check.__name__}\n{traceback.format_exc()}", flush=True)

    print(f"google-genai {importlib.metadata.version('google-genai')}")
    await asyncio.gather(*(run(check) for check in CHECKS))
    await run(totals_agree)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
