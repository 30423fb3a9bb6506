// SPDX-License-Identifier: Apache-2.0

#if NIO
import NIOCore
import Testing

@testable import LiveBroker

@Suite("Frames of the NIO transport")
struct FrameTests {
  private func reader(maxFrame: Int = 1 << 26, maxMessage: Int = 1 << 26) -> FrameReader {
    FrameReader(maxFrame: maxFrame, maxMessage: maxMessage)
  }

  /// Reads everything that `bytes` hold, given in pieces of `step` bytes.
  private func events(
    _ bytes: [UInt8], step: Int, _ reader: FrameReader
  ) -> (events: [FrameEvent], violation: FrameViolation?) {
    var reader = reader
    var buffer = ByteBuffer()
    var events: [FrameEvent] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      buffer.writeBytes(bytes[start..<min(start + step, bytes.count)])
      do throws(FrameViolation) {
        while let event = try reader.next(from: &buffer) { events.append(event) }
      } catch {
        return (events, error)
      }
    }
    return (events, nil)
  }

  @Test("However the bytes are cut, the same events come out")
  func anyCut() {
    let bytes =
      ServerFrame.message(Array("one".utf8), asText: true, frames: 1)
      + ServerFrame.message([UInt8](repeating: 7, count: 300), asText: false, frames: 4)
      + ServerFrame.bytes(0x89, [1, 2]) + ServerFrame.bytes(0x8A, [])
      + ServerFrame.message([UInt8](repeating: 9, count: 70_000), asText: false, frames: 1)
      + ServerFrame.close(1011, "Token has expired")
    let expected: [FrameEvent] = [
      .message(ByteBuffer(string: "one")), .ping(ByteBuffer()),
      .message(ByteBuffer(repeating: 7, count: 300)), .ping(ByteBuffer(bytes: [1, 2])),
      .pong(ByteBuffer()),
      .message(ByteBuffer(repeating: 9, count: 70_000)),
      .close(code: 1011, reason: "Token has expired"),
    ]
    for step in [1, 2, 3, 7, 126, 1000, bytes.count] {
      let (events, violation) = events(bytes, step: step, reader())
      #expect(violation == nil)
      #expect(events == expected, "in pieces of \(step)")
    }
  }

  @Test("A frame above the limit is refused by its header alone")
  func oversizeFrame() {
    let header: [UInt8] = [0x82, 127, 0, 0, 0, 0, 4, 0, 0, 1]
    #expect(events(header, step: 1, reader()).violation?.code == 1009)
    let fits: [UInt8] = [0x82, 127, 0, 0, 0, 0, 4, 0, 0, 0]
    #expect(events(fits, step: 1, reader()).violation == nil)
  }

  @Test("A message above the limit is refused, in however small fragments it comes")
  func oversizeMessage() {
    let fragment = ServerFrame.bytes(0x02, [UInt8](repeating: 1, count: 60))
    let more = ServerFrame.bytes(0x00, [UInt8](repeating: 1, count: 60))
    let limited = reader(maxFrame: 100, maxMessage: 150)
    #expect(events(fragment + more, step: 11, limited).violation == nil)
    #expect(events(fragment + more + more, step: 11, limited).violation?.code == 1009)
  }

  @Test("Random bytes never get further than a violation", arguments: 0..<200 as Range<UInt64>)
  func randomBytes(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var bytes = (0..<400).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    // Half of them begin like frames, to get past the first checks.
    if seed % 2 == 0 { bytes[0] = [0x81, 0x82, 0x88, 0x01][Int(seed / 2 % 4)] }
    if seed % 2 == 0 { bytes[1] &= 0x7F }
    let whole = events(bytes, step: bytes.count, reader())
    let pieces = events(bytes, step: 1 + Int(seed % 5), reader())
    #expect(whole.events == pieces.events)
    #expect(whole.violation == pieces.violation)
  }

  @Test(
    "A length that could be spelled shorter is refused",
    arguments: [[0x82, 126, 0, 125], [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]] as [[UInt8]])
  func longSpelling(bytes: [UInt8]) {
    #expect(events(bytes, step: 1, reader()).violation?.code == 1002)
  }

  @Test("UTF-8 is judged as the standard library judges it")
  func utf8() {
    func agrees(_ bytes: [UInt8]) -> Bool {
      bytes.withUnsafeBytes { UTF8Check.isValid($0) }
        == (String(validating: bytes, as: UTF8.self) != nil)
    }
    for first in UInt8.min...UInt8.max {
      #expect(agrees([first]))
      for second in UInt8.min...UInt8.max { #expect(agrees([first, second])) }
    }
    var random = SplitMix64(seed: 7)
    let leads: [UInt8] = [0xC2, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0x41]
    for _ in 0..<20_000 {
      let word = random.next()
      var bytes = (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) | 0x80 }
      bytes[0] = leads[Int(word >> 40) % leads.count]
      for index in 1..<4 where word >> (50 + UInt64(index)) & 3 != 0 { bytes[index] &= 0xBF }
      #expect(agrees(bytes))
      #expect(agrees(Array("eight by".utf8) + bytes))
    }
  }

  @Test("A close reason is cut at the border of a character, a bad code is not sent")
  func closeFrames() {
    let reason = String(repeating: "\u{6F22}", count: 60)
    var frame = FrameWriter.close(code: 1005, reason: reason, mask: 0)
    #expect(frame.readableBytes == 2 + 4 + 2 + 123)
    frame.moveReaderIndex(forwardBy: 6)
    #expect(frame.readInteger(as: UInt16.self) == 1000)
    #expect(String(buffer: frame) == String(repeating: "\u{6F22}", count: 41))
  }

  @Test("The answer to a key is the one of RFC 6455")
  func acceptKey() {
    #expect(
      UpgradeKey.accept(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test("SHA-1 agrees with its published vectors")
  func sha1() {
    func hex(_ text: String) -> String {
      var digest = [UInt8](repeating: 0, count: SHA1.size)
      digest.withUnsafeMutableBytes { digest in
        Array(text.utf8).withUnsafeBytes { SHA1.digest($0, into: digest) }
      }
      return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    #expect(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    #expect(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(
      hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
    #expect(hex(String(repeating: "a", count: 1000)) == "291e9a6c66994949b57ba5e650361e98fc36b1ba")
  }
}

@Suite("The upgrade of the NIO transport")
struct UpgradeTests {
  private let endpoint = LiveEndpoint.geminiDeveloper

  private func request(
    _ credential: Credential, _ endpoint: LiveEndpoint? = nil,
    headers: [NIOTransportConfiguration.Header] = []
  ) throws(TransportError) -> String {
    let template = try UpgradeTemplate(
      endpoint ?? self.endpoint, credential, extraHeaders: headers)
    var entropy = Entropy()
    let request = try UpgradeRequest(template, credential, &entropy)
    return String(buffer: request.bytes)
  }

  @Test("A key goes into a header, and nowhere else")
  func keyPlacement() throws {
    let text = try request(.apiKey(Secret("AIza-key")))
    #expect(
      text.hasPrefix(
        "GET /ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent"
          + " HTTP/1.1\r\nHost: generativelanguage.googleapis.com\r\n"))
    #expect(text.contains("\r\nx-goog-api-key: AIza-key\r\n"))
    #expect(text.split(separator: "AIza-key").count == 2)
    #expect(text.hasSuffix("\r\n\r\n"))
  }

  @Test("A token goes into the query of the constrained method, percent-encoded, and nowhere else")
  func tokenPlacement() throws {
    let text = try request(.ephemeralToken(Secret("auth_tokens/a b&\u{E4}%~")))
    #expect(
      text.hasPrefix(
        "GET /ws/google.ai.generativelanguage.v1alpha.GenerativeService"
          + ".BidiGenerateContentConstrained?access_token=auth_tokens%2Fa%20b%26%C3%A4%25~ HTTP/1.1"
      ))
    #expect(!text.contains("x-goog-api-key"))
    #expect(!text.contains("Authorization"))
  }

  @Test("An access token of Google Cloud goes into a header, with the project that pays")
  func bearerPlacement() throws {
    let bearer = Credential.vertex(.accessToken(Secret("ya29.token"), quotaProject: "payer"))
    let endpoint = LiveEndpoint(host: "us-central1-aiplatform.googleapis.com")
    let text = try request(bearer, endpoint)
    #expect(
      text.hasPrefix(
        "GET /ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent HTTP/1.1\r\n"))
    #expect(text.contains("\r\nAuthorization: Bearer ya29.token\r\n"))
    #expect(text.contains("\r\nx-goog-user-project: payer\r\n"))
    #expect(text.split(separator: "ya29.token").count == 2)
  }

  @Test("Nothing breaks out of its line")
  func injection() {
    #expect(throws: TransportError.self) { try request(.apiKey(Secret("a\r\nEvil: 1"))) }
    #expect(throws: TransportError.self) { try request(.apiKey(Secret(""))) }
    let odd = LiveEndpoint(host: "h", basePath: "/x HTTP/1.1\r\nEvil: 1\r\n")
    #expect(throws: TransportError.self) { try request(.apiKey(Secret("k")), odd) }
    #expect(NIOTransportConfiguration.Header(name: "X-A", value: "a\r\nEvil: 1") == nil)
    #expect(NIOTransportConfiguration.Header(name: "X A", value: "a") == nil)
    #expect(NIOTransportConfiguration.Header(name: "Sec-WebSocket-Key", value: "a") == nil)
  }

  @Test("A header of the caller's does not stand beside the credential's own")
  func secondCredential() throws {
    let own = try #require(
      NIOTransportConfiguration.Header(name: "authorization", value: "Basic YTpi"))
    #expect(throws: TransportError.self) {
      try request(.vertex(.accessToken(Secret("ya29.token"))), headers: [own])
    }
    #expect(try request(.apiKey(Secret("k")), headers: [own]).contains("\r\nauthorization: Basic"))
  }

  @Test("Ports and addresses stand in the host as they should")
  func hosts() throws {
    let header = try #require(NIOTransportConfiguration.Header(name: "X-Team", value: "a b"))
    let plain = try request(
      .apiKey(Secret("k")), LiveEndpoint(host: "::1", port: 8080, usesTLS: false),
      headers: [header])
    #expect(plain.contains("\r\nHost: [::1]:8080\r\n"))
    #expect(plain.contains("\r\nX-Team: a b\r\n"))
    let usual = try request(.apiKey(Secret("k")), LiveEndpoint(host: "h", port: 80, usesTLS: false))
    #expect(usual.contains("\r\nHost: h\r\n"))
  }

  private func head(_ text: String) throws -> ResponseHead? {
    try Array(text.utf8).withUnsafeBytes { try ResponseHead($0) }
  }

  @Test("A head is read in whatever spelling, and only when it is whole")
  func heads() throws {
    let text =
      "HTTP/1.1 503 Not  Now\r\nRETRY-AFTER:  12 \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nrest"
    for count in 0..<(text.utf8.count - 4) {
      #expect(try head(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == nil)
    }
    let whole = try #require(try head(text))
    for scanned in 0..<(text.utf8.count - 4) {
      let later = try Array(text.utf8).withUnsafeBytes { try ResponseHead($0, scanned: scanned) }
      #expect(later == whole)
    }
    #expect(whole.status == 503)
    #expect(whole.size == text.utf8.count - 4)
    #expect(whole.wait == .seconds(12))
    let dated = try head(
      "HTTP/1.1 429 x\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT\n"
        + "Date: Sun, 06 Nov 1994 08:49:37 GMT\n\n")
    #expect(dated?.wait == .seconds(30))
    #expect(try head("HTTP/1.1 204\r\n\r\n")?.status == 204)
    #expect(try head("HTTP/1.0 200 \r\n\r\n")?.status == 200)
  }

  @Test("Interim answers are passed over in whatever pieces, and nothing of them is kept")
  func interimFlood() throws {
    let piece = ByteBuffer(
      string: "HTTP/1.1 102 Processing\r\nX-Pad: \(String(repeating: "x", count: 1000))\r\n\r\n")
    var reader = AnswerReader()
    // Cut so that a read never ends where a head ends.
    reader.append(ByteBuffer(string: "HTTP/1.1 1"))
    for _ in 0..<1000 {
      var next = ByteBuffer(string: "00 Continue\r\n\r\n")
      for _ in 0..<10 { next.writeImmutableBuffer(piece) }
      next.writeString("HTTP/1.1 1")
      reader.append(next)
      #expect(try reader.next() == nil)
      #expect(reader.rest.readableBytes == 10)
    }
    #expect(reader.rest.storageCapacity <= 65_536)
    reader.append(ByteBuffer(string: "01 x\r\nUpgrade: websocket\r\n\r\nrest"))
    #expect(try reader.next()?.upgrade == "websocket")
    #expect(String(buffer: reader.rest) == "rest")
  }

  @Test(
    "What is no answer is refused",
    arguments: [
      "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 101 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 101 OK\r\n: nameless\r\n\r\n", "\r\n\r\n",
      String(repeating: "x", count: 20_000),
    ])
  func malformedHeads(text: String) {
    #expect(throws: ResponseHead.Malformed.self) { try head(text) }
  }

  @Test("Random answers never get further than an error", arguments: 0..<100 as Range<UInt64>)
  func randomHeads(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let alphabet = Array("HTTP/1.1 101 :\r\n\r\n\t,upgrade".utf8) + [0, 0xFF]
    let bytes = (0..<200).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
    let start = seed % 2 == 0 ? Array("HTTP/1.1 101 ok\r\n".utf8) : []
    _ = try? (start + bytes).withUnsafeBytes { try ResponseHead($0) }
  }
}
#endif
