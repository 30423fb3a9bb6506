// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct TraceTests {
  // FIPS 180-4 examples and NIST CAVP short messages.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func theHashAgreesWithThePublishedVectors(text: String, digest: String) {
    #expect(SHA256.hexDigest(of: text.utf8) == digest)
  }

  @Test func theHashOfAMillionLettersAgrees() {
    #expect(
      SHA256.hexDigest(of: repeatElement(UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test(arguments: [1, 3, 55, 56, 63, 64, 65, 119, 128, 1_000])
  func theHashDoesNotDependOnThePieces(size: Int) {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var hash = SHA256()
    var rest = bytes[...]
    while !rest.isEmpty {
      hash.update(Array(rest.prefix(size)))
      _ = hash.digest
      rest = rest.dropFirst(size)
    }
    #expect(hash.hexDigest == SHA256.hexDigest(of: bytes))
  }

  @Test(arguments: [1, 40, 65_536])
  func theHashIsThatOfTheTextGivenToTheSink(chunkSize: Int) {
    let written = Box<[UInt8]>([])
    let trace = Trace(chunkSize: chunkSize) { bytes in written.update { $0 += bytes } }
    trace.label(connection: 7, "session 42")
    trace.record(at: EngineInstant(nanoseconds: 1_234_567), connection: 7, "dial")
    trace.record(at: EngineInstant(nanoseconds: 0), "tick") {
      $0.field("bytes", 100)
      $0.field("skew", -5)
      $0.field("least", Int64.min)
      $0.field("after", Duration.milliseconds(3))
      $0.field("why", "closed")
    }
    trace.label(connection: 7, nil)
    trace.record(at: EngineInstant(nanoseconds: 2_000), connection: 7, "lost")
    let before = trace.hexDigest
    trace.flush()
    #expect(
      String(decoding: written.value, as: UTF8.self) == """
        1234 7 session_42 dial
        0 - - tick bytes=100 skew=-5 least=-9223372036854775808 after=3000 why=closed
        2 7 - lost

        """)
    #expect(trace.lineCount == 3)
    #expect(trace.hexDigest == before)
    #expect(before == SHA256.hexDigest(of: written.value))
  }
}
