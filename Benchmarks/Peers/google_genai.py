# SPDX-License-Identifier: Apache-2.0
"""Reconnects of google-genai: connect with the handle, setupComplete, the next handle, close.

usage: google_genai.py BASE_URL SECONDS   (SSL_CERT_FILE names the certificate to trust)

The SDK dials wss:// always. For an http: address the scheme is changed here, and nothing else: with
an https: address it is unmodified.

Prints one line of JSON: reconnects, failures, processor time of this process, seconds.
"""
import asyncio
import json
import sys
import time
import warnings

from google import genai
from google.genai import types

warnings.simplefilter("ignore")
base, length = sys.argv[1], float(sys.argv[2])
AT_ONCE = 32
client = genai.Client(
    api_key="BENCHMARK-KEY", http_options=types.HttpOptions(base_url=base, api_version="v1alpha"))
if base.startswith("http:"):
    secure = client._api_client._websocket_base_url
    client._api_client._websocket_base_url = lambda *a, **k: secure(*a, **k).replace("wss://", "ws://", 1)
    client._api_client._websocket_ssl_ctx = {}
reconnects = failures = 0


def config(handle):
    return types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
        session_resumption=types.SessionResumptionConfig(handle=handle))


async def once(handle):
    """One connection; gives the handle of the next."""
    async with client.aio.live.connect(model="models/gemini-benchmark", config=config(handle)) as session:
        async for message in session.receive():
            update = message.session_resumption_update
            if update and update.new_handle:
                return update.new_handle
    raise RuntimeError("no handle came")


async def reconnect(end):
    global reconnects, failures
    handle = await once(None)
    while time.perf_counter() < end:
        try:
            handle = await once(handle)
            reconnects += 1
        except Exception as error:
            failures += 1
            print(repr(error), file=sys.stderr)
            return


async def main():
    await once(None)
    processor, begin = time.process_time(), time.perf_counter()
    await asyncio.gather(*[reconnect(begin + length) for _ in range(AT_ONCE)])
    print(json.dumps(dict(
        reconnects=reconnects + AT_ONCE, failures=failures,
        processorSeconds=time.process_time() - processor, seconds=time.perf_counter() - begin)))


asyncio.run(main())
