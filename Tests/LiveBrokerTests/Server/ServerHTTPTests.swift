// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOEmbedded
import Testing

@testable import LiveEmulator

@Suite struct ServerHTTPTests {
  private func body(_ response: String) throws -> JSONValue {
    let parts = response.split(separator: "\r\n\r\n", maxSplits: 1)
    return try JSONValue(decoding: Array(try #require(parts.last).utf8))
  }

  @Test func aTokenIsMintedAndTheConnectionStays() throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    for version in ["v1alpha", "v1beta"] {
      let answer = try peer.request(
        "POST /\(version)/auth_tokens HTTP/1.1\nx-goog-api-key: k", body: "{}")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("\r\nDate: "))
      #expect(try body(answer)["name"]?.stringValue?.hasPrefix("auth_tokens/") == true)
    }
    #expect(peer.isOpen)
    #expect(stand.core.look { $0.totalsNow.minted } == 2)
    stand.end()
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    let mint = "POST /v1beta/auth_tokens?key=k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
    let get = "GET /v1beta/auth_tokens HTTP/1.1\r\nHost: h\r\n\r\n"
    try peer.write(Array((mint + get + mint).utf8))
    let answers = String(decoding: peer.take(), as: UTF8.self)
    let statuses = answers.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
    #expect(statuses == ["200", "404", "200"])
    stand.end()
  }

  @Test(arguments: [
    ("POST /v1/auth_tokens?key=k", 404), ("GET /v1alpha/auth_tokens?key=k", 404),
    ("POST /v1alpha/authTokens?key=k", 404), ("POST /v1alpha/auth_tokens", 403),
    ("POST /v1alpha/auth_tokens?key=bad-key", 400), ("POST //base//v1beta/auth_tokens?key=k", 200),
    ("POST /v1alpha/auth_tokens?key=auth_tokens%2Fx", 401), ("GET /nothing", 404), ("GET /", 404),
  ])
  func theServiceAnswersMintsAsItDoes(_ head: String, _ status: Int) throws {
    let stand = ServerStand { $0.service.credentials.refusedKeys = [Secret("bad-key")] }
    let answer = try stand.connect().request(head + " HTTP/1.1", body: "{}")
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
    stand.end()
  }

  @Test func versionOneExistsIfItIsSwitchedOn() throws {
    let stand = ServerStand { $0.variants.servesV1 = true }
    let peer = try stand.connect()
    #expect(try peer.request("POST /v1/auth_tokens?key=k HTTP/1.1").hasPrefix("HTTP/1.1 200 "))
    let path = EmbeddedPeer.openPath.split(separator: "v1beta").joined(separator: "v1")
    #expect(try peer.upgrade(path + "?key=k").hasPrefix("HTTP/1.1 101 "))
    stand.end()
  }

  @Test func anErrorOfAMintHasTheServicesBody() throws {
    let stand = ServerStand()
    let answer = try stand.connect().request(
      "POST /v1alpha/auth_tokens?key=k HTTP/1.1", body: #"{"liveConnectConstraints":{}}"#)
    let error = try body(answer)["error"]
    #expect(error?["code"]?.integerValue == 400)
    #expect(error?["status"]?.stringValue == "INVALID_ARGUMENT")
    #expect(
      error?["message"]?.stringValue
        == #"Invalid JSON payload received. Unknown name "liveConnectConstraints": Cannot find field."#
    )
    stand.end()
  }

  @Test func theLongestLifetimesAreTheConfiguredOnes() throws {
    let stand = ServerStand {
      $0.service.credentials.maximumLifetime = .seconds(90)
      $0.service.credentials.maximumNewSessionWindow = .seconds(30)
    }
    let peer = try stand.connect()
    func mint(_ field: String, ahead: Int64) throws -> String {
      let time = SystemClock().wallTime.advanced(by: .seconds(ahead)).rfc3339
      return try peer.request(
        "POST /v1alpha/auth_tokens?key=k HTTP/1.1", body: #"{"\#(field)":"\#(time)"}"#)
    }
    #expect(try mint("expireTime", ahead: 80).hasPrefix("HTTP/1.1 200 "))
    let late = try mint("expireTime", ahead: 100)
    #expect(late.hasPrefix("HTTP/1.1 400 ") && late.contains("Maximum lifetime is 90s"))
    #expect(try mint("newSessionExpireTime", ahead: 20).hasPrefix("HTTP/1.1 200 "))
    #expect(try mint("newSessionExpireTime", ahead: 40).contains("Maximum lifetime is 30s"))
    stand.end()
  }

  @Test func aBodyOverTheLimitIsRefusedAndTheConnectionEnds() throws {
    let stand = ServerStand { $0.limits.bodyBytes = 100 }
    let peer = try stand.connect()
    let answer = try peer.request(
      "POST /v1alpha/auth_tokens?key=k HTTP/1.1", body: String(repeating: " ", count: 101))
    #expect(answer.hasPrefix("HTTP/1.1 413 "))
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func aBodyThatIsAnnouncedOverTheLimitIsRefusedBeforeItComes() throws {
    let stand = ServerStand { $0.limits.bodyBytes = 100 }
    let peer = try stand.connect()
    try peer.write(
      Array("POST /v1alpha/auth_tokens?key=k HTTP/1.1\r\nContent-Length: 101\r\n\r\n".utf8))
    #expect(String(decoding: peer.take(), as: UTF8.self).hasPrefix("HTTP/1.1 413 "))
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func aClientThatWaitsToBeToldToGoOnIsTold() throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    let head = "POST /v1alpha/auth_tokens?key=k HTTP/1.1\r\nContent-Length: 2\r\n"
    try peer.write(Array((head + "Expect: 100-continue\r\n\r\n").utf8))
    #expect(String(decoding: peer.take(), as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
    try peer.write(Array("{}".utf8))
    #expect(String(decoding: peer.take(), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
    #expect(peer.isOpen)
    stand.end()
  }

  /// Behind such a request the decoder reads no further: whatever the client sent next would wait.
  @Test(arguments: [
    ("POST /v1alpha/auth_tokens?key=k HTTP/1.1\nConnection: Upgrade\nUpgrade: h2c", 200),
    ("GET /nothing HTTP/1.1\nConnection: Upgrade\nUpgrade: h2c", 404),
    ("CONNECT a:1 HTTP/1.1", 404),
  ])
  func whatAsksForAnotherProtocolIsAnsweredAndTheConnectionEnds(
    _ head: String, _ status: Int
  ) throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    let answer = try peer.request(head)
    #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.contains("Connection: close\r\n"))
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func aClientOfHTTP10GetsAReportThatTheEndOfTheConnectionEnds() throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    var answer = try peer.request("GET /emulator/report HTTP/1.0")
    stand.pass(.milliseconds(1))
    answer += String(decoding: peer.take(), as: UTF8.self)
    #expect(!answer.lowercased().contains("chunked"))
    #expect(try body(answer)["sessions"]?.arrayValue?.isEmpty == true)
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test(arguments: ["\u{1}\u{2}\u{3}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\nFOO\r\n\r\n"])
  func whatIsNoHTTPEndsTheConnection(_ bytes: String) throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    try peer.write(Array(bytes.utf8))
    #expect(String(decoding: peer.take(), as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func aConnectionWithoutAWholeRequestIsCutInTime() throws {
    let stand = ServerStand()
    let silent = try stand.connect()
    let slow = try stand.connect()
    let busy = try stand.connect()
    try slow.write(Array("POST /v1alpha/auth_tokens?key=k HTTP/1.1\r\nContent-Length: 9\r\n".utf8))
    stand.pass(.seconds(6))
    try busy.request("POST /v1alpha/auth_tokens?key=k HTTP/1.1", body: "{}")
    stand.pass(.seconds(5))
    #expect(!silent.isOpen && !slow.isOpen && busy.isOpen)
    #expect(stand.gauge.now.idleCut == 2)
    stand.pass(.seconds(6))
    #expect(!busy.isOpen)
    stand.end()
  }

  @Test func aClientThatAsksAndDoesNotReadGetsOneMoreAnswer() throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    peer.channel.isWritable = false
    let mint = "POST /v1beta/auth_tokens?key=k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
    try peer.write(Array(String(repeating: mint, count: 50).utf8))
    #expect(stand.core.look { $0.totalsNow.minted } == 1)
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func oneConnectionTooManyIsClosedAtOnce() throws {
    let stand = ServerStand { $0.limits.connections = 2 }
    let first = try stand.connect()
    let second = try stand.connect()
    _ = try? stand.connect()
    #expect(first.isOpen && second.isOpen)
    #expect(stand.gauge.now.connectionsOpen == 2)
    #expect(stand.gauge.now.turnedAway == 1)
    stand.end()
  }

  @Test func theReportTellsWhatASessionReceivedAndRemembers() throws {
    let stand = ServerStand()
    let peer = try stand.socket()
    try peer.say(#"{"setup":{"model":"models/m","labels":{"session":"a \"b\""}}}"#)
    stand.pass(.milliseconds(30))
    try peer.say(#"{"realtimeInput":{"audio":{"data":"AAECAwQ=","mimeType":"audio/pcm"}}}"#)
    try peer.say(#"{"realtimeInput":{"text":"hey"}}"#)
    let report = try report(of: stand, "?items=1")
    let session = report["sessions"]?[0]
    #expect(session?["label"]?.stringValue == #"a "b""#)
    #expect(session?["isLive"]?.boolValue == true)
    #expect(session?["received"]?["audio"]?["bytes"]?.integerValue == 5)
    var digest = StreamDigest()
    digest.update([0, 1, 2, 3, 4])
    let text = String(digest.value, radix: 16)
    #expect(session?["remembered"]?["audioDigest"]?.stringValue?.hasSuffix(text) == true)
    #expect(session?["remembered"]?["items"]?[0]?["text"]?.stringValue == "hey")
    #expect(session?["remembered"]?["items"]?[0]?["audioOffset"]?.integerValue == 5)
    #expect(report["service"]?["sessionsStarted"]?.integerValue == 1)
    #expect(report["server"]?["socketsOpen"]?.integerValue == 1)
    stand.end()
  }

  @Test func theReportHoldsEverySessionOrThoseOfOneLabelOrNone() throws {
    let stand = ServerStand()
    for index in 0..<700 {
      let peer = try stand.socket()
      try peer.say(#"{"setup":{"model":"models/m","labels":{"session":"s\#(index)"}}}"#)
    }
    stand.pass(.milliseconds(30))
    let all = try #require(try report(of: stand, "")["sessions"]?.arrayValue)
    #expect(all.map { $0["label"]?.stringValue } == (0..<700).map { "s\($0)" })
    let one = try #require(try report(of: stand, "?label=s9")["sessions"]?.arrayValue)
    #expect(one.map { $0["session"]?.integerValue } == [9])
    #expect(try report(of: stand, "?label=none")["sessions"]?.arrayValue?.isEmpty == true)
    #expect(try report(of: stand, "?sessions=0")["sessions"]?.arrayValue?.isEmpty == true)
    stand.end()
  }

  @Test func aReportWaitsForAClientThatDoesNotRead() throws {
    let stand = ServerStand()
    for _ in 0..<300 { _ = try stand.session() }
    let peer = try stand.connect()
    peer.channel.isWritable = false
    let begun = try peer.request("GET /emulator/report HTTP/1.1")
    #expect(begun.hasPrefix("HTTP/1.1 200 ") && !begun.contains("sessionsStarted"))
    peer.channel.isWritable = true
    peer.channel.pipeline.fireChannelWritabilityChanged()
    stand.pass(.seconds(1))
    #expect(String(decoding: peer.take(), as: UTF8.self).contains("]}"))
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func inTheMidstOfAReportTheLoopLooksAfterItsSockets() throws {
    let stand = ServerStand()
    for _ in 0..<500 { _ = try stand.session() }
    let peer = try stand.connect()
    var pieces = 0
    var answer = try peer.request("GET /emulator/report HTTP/1.1")
    while peer.isOpen, pieces < 100 {
      // However often the loop runs, nothing more comes before time has passed.
      #expect(peer.take().isEmpty)
      stand.pass(.milliseconds(1))
      answer += String(decoding: peer.take(), as: UTF8.self)
      pieces += 1
    }
    #expect(pieces > 2 && pieces < 100)
    #expect(answer.contains("]}"))
    stand.end()
  }

  @Test func aReportThatIsCutLeavesNoTimer() throws {
    let stand = ServerStand()
    for _ in 0..<500 { _ = try stand.session() }
    let peer = try stand.connect()
    try peer.request("GET /emulator/report HTTP/1.1")
    #expect(peer.isOpen)
    stand.end()
  }

  private func report(of stand: ServerStand, _ query: String) throws -> JSONValue {
    let peer = try stand.connect()
    var answer = try peer.request("GET /emulator/report\(query) HTTP/1.1")
    stand.pass(.milliseconds(10))
    answer += String(decoding: peer.take(), as: UTF8.self)
    #expect(!peer.isOpen)
    let split = answer.split(separator: "\r\n\r\n", maxSplits: 1)
    return try JSONValue(decoding: Self.unchunked(Array(try #require(split.last).utf8)))
  }

  /// Puts the chunks of a body together.
  private static func unchunked(_ body: [UInt8]) -> [UInt8] {
    var rest = body[...]
    var whole: [UInt8] = []
    while let end = rest.firstIndex(of: 13),
      let length = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16), length > 0
    {
      whole += rest[(end + 2)..<(end + 2 + length)]
      rest = rest[(end + 4 + length)...]
    }
    return whole
  }
}
#endif
