// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOEmbedded
import Testing

@testable import LiveEmulator

@Suite struct ServerSocketTests {
  private typealias Peer = EmbeddedPeer

  // MARK: Upgrading

  @Test func theUpgradeIsProvenAndCompressionDeclined() throws {
    let stand = ServerStand()
    let answer = try stand.connect().upgrade(
      Peer.openPath + "?key=k",
      headers: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n")
    #expect(answer.hasPrefix("HTTP/1.1 101 "))
    #expect(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
    #expect(!answer.lowercased().contains("extensions"))
    stand.end()
  }

  @Test(arguments: [
    "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent",
    "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
    "/proxy//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
    "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent",
    "/ws/google.firebase.vertexai.v1beta.GenerativeService/BidiGenerateContent",
    "/ws/google.firebase.vertexai.v1beta.LlmBidiService/BidiGenerateContent/locations/global",
  ])
  func everyPathThatSDKsUseIsServed(_ path: String) throws {
    let stand = ServerStand()
    let peer = try stand.session(path + "?key=k")
    #expect(try peer.frames().first?.text == #"{"setupComplete":{}}"#)
    stand.end()
  }

  @Test(arguments: [
    "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent",
    "/ws/google.ai.generativelanguage.v2.GenerativeService.BidiGenerateContent",
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.Else",
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent/more",
    "/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "/ws", "/ws/",
    "/ws/google.cloud.aiplatform.%0D%0A.LlmBidiService/BidiGenerateContent",
  ])
  func otherPathsFailTheUpgrade(_ path: String) throws {
    let stand = ServerStand()
    let peer = try stand.connect()
    #expect(try peer.upgrade(path + "?key=k").hasPrefix("HTTP/1.1 404 "))
    #expect(!peer.isOpen)
    stand.end()
  }

  /// What the service says when a model that it does not have is asked for on this path.
  private func refusal(of path: String) throws -> String {
    let stand = ServerStand {
      $0.variants.servesV1 = true
      $0.service.model.namesBegin = "gemini-"
    }
    let peer = try stand.socket(path + "?key=k")
    try peer.say(#"{"setup":{"model":"models/x"}}"#)
    let close = try #require(try peer.frames().first { $0.opcode == 8 })
    stand.end()
    return String(decoding: close.payload.dropFirst(2), as: UTF8.self)
  }

  @Test(arguments: [
    ("google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent", "v1alpha"),
    ("google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "v1beta"),
    ("google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent", "v1"),
    ("google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", "v1beta1"),
  ])
  func aModelIsMissingInTheVersionThatWasAskedFor(_ path: String, _ version: String) throws {
    #expect(
      try refusal(of: "/ws/" + path)
        == "models/x is not found for API version \(version), or is not supported for "
        + "bidiGenerateContent.")
  }

  @Test func aSocketsPathWithoutAnUpgradeIsRefused() throws {
    let stand = ServerStand()
    let plain = try stand.connect().request("GET \(Peer.openPath)?key=k HTTP/1.1")
    #expect(plain.hasPrefix("HTTP/1.1 400 "))
    let old = try stand.connect().request(
      "GET \(Peer.openPath)?key=k HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n"
        + "Sec-WebSocket-Version: 8\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    #expect(old.hasPrefix("HTTP/1.1 426 ") && old.contains("Sec-WebSocket-Version: 13\r\n"))
    stand.end()
  }

  @Test func upgradesBeyondTheAdmissionGetTheServices503() throws {
    let stand = ServerStand { $0.service.admitPerSecond = 1 }
    _ = try stand.socket()
    let answer = try stand.connect().upgrade(Peer.openPath + "?key=k")
    #expect(answer.hasPrefix("HTTP/1.1 503 "))
    #expect(answer.contains(#""status":"UNAVAILABLE""#))
    stand.pass(.seconds(2))
    _ = try stand.socket()
    stand.end()
  }

  // MARK: Credentials

  enum Form: CaseIterable {
    case query, escapedQuery, tokenHeader, bearerHeader, keyHeader, bothHeaders
  }

  @Test(arguments: Form.allCases)
  func aTokenOpensInEveryForm(_ form: Form) throws {
    let stand = ServerStand()
    let answer = try stand.connect().request("POST /v1alpha/auth_tokens?key=k HTTP/1.1")
    let name = try #require(answer.split(separator: "\"").first { $0.hasPrefix("auth_tokens/") })
    let target =
      switch form {
      case .query: "?access_token=\(name)"
      case .escapedQuery: "?access_token=auth_tokens%2F\(name.dropFirst(12))"
      default: ""
      }
    let headers =
      switch form {
      case .query, .escapedQuery: ""
      case .tokenHeader: "Authorization: Token \(name)\n"
      case .bearerHeader: "authorization: bearer \(name)\n"
      case .keyHeader: "X-Goog-Api-Key: \(name)\n"
      case .bothHeaders: "Authorization: Token \(name)\nx-goog-api-key: \(name)\n"
      }
    let peer = try stand.socket(Peer.constrainedPath + target, headers: headers)
    try peer.say(#"{"setup":{"model":"models/m"}}"#)
    stand.pass(.milliseconds(30))
    #expect(try peer.frames().first?.text == #"{"setupComplete":{}}"#)
    stand.end()
  }

  @Test func tokensInHeadersCanBeSwitchedOff() throws {
    let stand = ServerStand { $0.variants.takesTokensInHeaders = false }
    let answer = try stand.connect().request("POST /v1alpha/auth_tokens?key=k HTTP/1.1")
    let name = try #require(answer.split(separator: "\"").first { $0.hasPrefix("auth_tokens/") })
    let header = try stand.socket(
      Peer.constrainedPath, headers: "Authorization: Token \(name)\n")
    #expect(try header.frames().first?.closeCode == 1007)
    let query = try stand.socket(Peer.constrainedPath + "?access_token=\(name)")
    #expect(try query.frames().isEmpty)
    stand.end()
  }

  @Test(arguments: [
    (Peer.openPath, "Missing or malformed auth token"),
    (Peer.openPath + "?key=bad-key", "API key not valid"),
    (Peer.openPath + "?key=", "Missing or malformed auth token"),
    (Peer.openPath + "?access_token=auth_tokens/x", "API key not valid"),
    (Peer.constrainedPath + "?key=k", "Missing or malformed auth token"),
    (Peer.constrainedPath + "?access_token=auth_tokens/x", "Missing or malformed auth token"),
  ])
  func aBadCredentialIsRefusedByCloseAfterTheUpgrade(_ target: String, _ reason: String) throws {
    let stand = ServerStand { $0.service.credentials.refusedKeys = [Secret("bad-key")] }
    let peer = try stand.socket(target)
    let close = try #require(try peer.frames().first)
    #expect(close.closeCode == 1007 && close.closeReason.hasPrefix(reason))
    #expect(peer.isOpen)
    try peer.sendClose(1007)
    _ = peer.take()
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func anAccessTokenOfGoogleCloudOpensVertexsPath() throws {
    let stand = ServerStand { $0.service.credentials.acceptedKeys = [] }
    let path = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    let peer = try stand.socket(path, headers: "Authorization: Bearer ya29.fake\n")
    #expect(try peer.frames().isEmpty)
    #expect(
      stand.seen.contains(.opened(1, method: "BidiGenerateContent", credential: "access token")))
    let mint = try stand.connect().request(
      "POST /v1alpha/auth_tokens HTTP/1.1\nAuthorization: Bearer ya29.fake")
    #expect(mint.hasPrefix("HTTP/1.1 401 "))
    stand.end()
  }

  @Test func onlyTheKeysThatAreNamedAreGood() throws {
    let stand = ServerStand { $0.service.credentials.acceptedKeys = [Secret("mine")] }
    #expect(try stand.socket(Peer.openPath + "?key=k").frames().first?.closeCode == 1007)
    #expect(try stand.socket(Peer.openPath + "?key=mine").frames().isEmpty)
    let mint = try stand.connect().request("POST /v1alpha/auth_tokens?key=k HTTP/1.1")
    #expect(mint.contains("API_KEY_INVALID"))
    stand.end()
  }

  // MARK: Messages

  @Test func messagesComeInBinaryFramesInTheirTime() throws {
    let stand = ServerStand()
    let peer = try stand.socket()
    try peer.say(#"{"setup":{"model":"models/m","sessionResumption":{}}}"#)
    stand.pass(.milliseconds(19))
    #expect(try peer.frames().isEmpty)
    stand.pass(.milliseconds(1))
    #expect(try peer.frames() == [.init(opcode: 2, payload: Array(#"{"setupComplete":{}}"#.utf8))])
    stand.pass(.milliseconds(100))
    #expect(try peer.frames().first?.text.contains("newHandle") == true)
    stand.end()
  }

  @Test func messagesCanComeInTextFramesAndLaidOut() throws {
    let stand = ServerStand {
      $0.variants.sendsTextFrames = true
      $0.service.prettyPrinted = true
    }
    let first = try #require(try stand.session().frames().first)
    #expect(first.opcode == 1)
    #expect(first.text == "{\n  \"setupComplete\": {}\n}\n")
    stand.end()
  }

  @Test func aMessageInFragmentsWithAPingWithinIsOneMessage() throws {
    let stand = ServerStand()
    let peer = try stand.socket()
    let setup = Array(#"{"setup":{"model":"models/m"}}"#.utf8)
    try peer.send(2, Array(setup[..<5]), isLast: false)
    try peer.send(9, [1, 2, 3])
    try peer.send(0, [], isLast: false)
    try peer.send(0, Array(setup[5...]))
    stand.pass(.milliseconds(30))
    let frames = try peer.frames()
    #expect(frames.map(\.opcode) == [10, 2])
    #expect(frames.first?.payload == [1, 2, 3])
    #expect(stand.gauge.now.messagesIn == 1)
    stand.end()
  }

  @Test(arguments: [0, 1, 7, 8, 125, 126, 65_535, 65_536, 200_000])
  func messagesOfEveryLengthArriveWhole(_ length: Int) throws {
    let stand = ServerStand()
    let peer = try stand.session()
    let text = String(repeating: "x", count: length)
    try peer.say(#"{"realtimeInput":{"text":"\#(text)"}}"#)
    #expect(
      stand.core.look { $0.report(ofSession: 0)?.remembered.tallies.text.bytes } == length)
    stand.end()
  }

  @Test func anAnswerIsSpokenWithinItsTime() throws {
    let stand = ServerStand()
    let peer = try stand.session()
    _ = try peer.frames()
    try peer.say(#"{"realtimeInput":{"text":"hello"}}"#)
    stand.pass(.seconds(2))
    let texts = try peer.frames().map(\.text)
    #expect(texts.contains { $0.contains("You said: hello") })
    #expect(texts.contains { $0.contains("\"turnComplete\":true") })
    stand.end()
  }

  @Test func aMessageMaySplitIntoFragmentsOnTheWay() throws {
    let stand = ServerStand { $0.faults.splitMessages = 1 }
    let frames = try stand.session().frames()
    #expect(frames.prefix(3).map(\.opcode) == [2, 9, 0])
    #expect(frames.prefix(3).map(\.isLast) == [false, true, true])
    let whole = (frames.first?.payload ?? []) + (frames.dropFirst(2).first?.payload ?? [])
    #expect(String(decoding: whole, as: UTF8.self) == #"{"setupComplete":{}}"#)
    stand.end()
  }

  @Test func aMessageMayBeCutByTCPAndItsRestComesWithWhatFollows() throws {
    for seed in 0..<20 as Range<UInt64> {
      let stand = ServerStand {
        $0.seed = seed
        $0.faults.tornMessages = 1
      }
      let peer = try stand.socket()
      try peer.say(#"{"setup":{"model":"models/m"}}"#)
      stand.pass(.milliseconds(20))
      let first = peer.take()
      #expect((1...22).contains(first.count), "the setup's answer is 23 bytes on the wire")
      try peer.send(9, [7])
      #expect(peer.take().isEmpty)
      stand.pass(.milliseconds(5))
      let frames = try RawFrame.parse(first + peer.take()).frames
      #expect(frames.map(\.opcode) == [2, 10])
      #expect(frames.first?.text == #"{"setupComplete":{}}"#)
      try peer.sendClose(1000)
      #expect(try peer.frames().map(\.opcode) == [8])
      stand.end()
    }
  }

  @Test func whatIsTornIsWholeBeforeTheConnectionEnds() throws {
    let stand = ServerStand { $0.faults.tornMessages = 1 }
    let peer = try stand.socket()
    try peer.say(#"{"setup":{"model":"models/m"}}"#)
    stand.pass(.milliseconds(20))
    try peer.sendClose(1000)
    #expect(try peer.frames().map(\.opcode) == [2, 8])
    stand.end()
  }

  // MARK: Pings

  @Test func ofManyPingsWhoseAnswersWaitOnlySomeAreAnswered() throws {
    let stand = ServerStand { $0.service.connections.pongDelay = .seconds(20) }
    let peer = try stand.session()
    _ = try peer.frames()
    for index in 0..<100 { try peer.send(9, [UInt8(index)]) }
    stand.pass(.seconds(21))
    #expect(try peer.frames().filter { $0.opcode == 10 }.count == 32)
    #expect(stand.gauge.now.pings == 100)
    #expect(stand.gauge.now.pingsLeftOut == 68)
    try peer.send(9, [7])
    stand.pass(.seconds(21))
    #expect(try peer.frames().filter { $0.opcode == 10 }.count == 1)
    stand.end()
  }

  @Test func pongsComeAsLateAsTheyAreConfigured() throws {
    let stand = ServerStand { $0.service.connections.pongDelay = .seconds(20) }
    let peer = try stand.session()
    _ = try peer.frames()
    try peer.send(9, [7])
    stand.pass(.seconds(19))
    #expect(try !peer.frames().contains { $0.opcode == 10 })
    stand.pass(.seconds(1))
    #expect(try peer.frames().filter { $0.opcode == 10 }.map(\.payload) == [[7]])
    stand.end()
  }

  @Test func nothingIsReadFromAClientThatDoesNotRead() throws {
    let stand = ServerStand()
    let peer = try stand.session()
    peer.channel.isWritable = false
    var reads = 0
    let counter = ReadCounter { reads += 1 }
    try peer.channel.pipeline.syncOperations.addHandler(counter, position: .first)
    peer.channel.pipeline.read()
    #expect(reads == 0)
    peer.channel.isWritable = true
    peer.channel.pipeline.fireChannelWritabilityChanged()
    #expect(reads == 1)
    stand.end()
  }
}

/// Tells when something wants the socket read.
private final class ReadCounter: ChannelOutboundHandler {
  typealias OutboundIn = IOData
  private let counted: () -> Void

  init(_ counted: @escaping () -> Void) { self.counted = counted }

  func read(context: ChannelHandlerContext) {
    counted()
    context.read()
  }
}
#endif
