// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import LiveBroker

@Suite("Minting over HTTP", .timeLimit(.minutes(30)))
struct HTTPTokenMinterTests {
  private func withMinter(
    _ answers: [HTTPStage.Answer],
    _ change: (inout HTTPTokenMinter.Configuration) -> Void = { _ in },
    _ body: (HTTPTokenMinter, HTTPStage) async throws -> Void
  ) async throws {
    let stage = try await HTTPStage(answers)
    var configuration = HTTPTokenMinter.Configuration()
    configuration.timeout = .unhurried
    configuration.pause = .milliseconds(1)
    change(&configuration)
    let minter = try HTTPTokenMinter(
      endpoint: stage.endpoint, apiKey: Secret("KEY-that-is-secret"), configuration: configuration,
      seed: 1)
    do {
      try await body(minter, stage)
    } catch {
      Issue.record(error)
    }
    await minter.shutdown()
    await stage.close()
  }

  private func error(_ minter: HTTPTokenMinter) async -> MintError? {
    do throws(MintError) {
      _ = try await minter.mint(TokenRequest())
      return nil
    } catch {
      var text = ""
      dump(error, to: &text)
      #expect(!text.contains("secret"))
      return error
    }
  }

  private static let good = #"{"name":"auth_tokens/abc"}"#

  @Test("A token comes with the server's date; the request is as the service wants it")
  func minted() async throws {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    try await withMinter([.init(200, Self.good, headers: ["Date": date])]) { minter, stage in
      let token = try await minter.mint(TokenRequest(uses: 3))
      #expect(token.name.reveal() == "auth_tokens/abc")
      #expect(token.serverDate == WallTime(httpDate: date))
      let seen = stage.seen
      #expect(seen.count == 1)
      #expect(seen.first?.line == "POST /v1alpha/auth_tokens")
      #expect(seen.first?.headers["x-goog-api-key"] == ["KEY-that-is-secret"])
      #expect(seen.first?.headers["content-type"] == ["application/json"])
      #expect(seen.first?.body == #"{"uses":3}"#)
    }
  }

  @Test("What may pass is tried once more", arguments: [408, 429, 500, 503])
  func retried(status: Int) async throws {
    try await withMinter([.init(status, ""), .init(200, Self.good)]) { minter, stage in
      _ = try await minter.mint(TokenRequest())
      #expect(stage.seen.count == 2)
    }
  }

  @Test("What stays is not tried again, and tells the service's status and message")
  func refused() async throws {
    let body = #"""
      {"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
      "details":[{"reason":"API_KEY_INVALID"}]}}
      """#
    try await withMinter([.init(400, body)]) { minter, stage in
      let error = await error(minter)
      #expect(error?.code == .keyRefused)
      #expect(error?.httpStatus == 400)
      #expect(error?.status == "INVALID_ARGUMENT")
      #expect(error?.message == "API key not valid.")
      #expect(stage.seen.count == 1)
    }
  }

  @Test("A service that repeats the key in its answer does not get it into an error")
  func echo() async throws {
    let body = #"""
      {"error":{"code":403,"message":"Key KEY-that-is-secret may not do that.",
      "status":"PERMISSION_DENIED (KEY-that-is-secret)"}}
      """#
    try await withMinter([.init(403, body)]) { minter, _ in
      let error = await error(minter)
      #expect(error?.code == .keyRefused)
      #expect(error?.message == "Key ‹redacted› may not do that.")
    }
  }

  @Test("An answer that asks for a long wait is passed on with it")
  func longWait() async throws {
    try await withMinter([.init(429, "", headers: ["Retry-After": "60"])]) { minter, stage in
      let error = await error(minter)
      #expect(error?.code == .quotaExceeded)
      #expect(error?.retryAfter == .seconds(60))
      #expect(stage.seen.count == 1)
    }
  }

  @Test("Attempts end", arguments: [1, 2, 3])
  func attempts(limit: Int) async throws {
    let answers = [HTTPStage.Answer](repeating: .init(503, ""), count: 5)
    try await withMinter(answers) {
      $0.attempts = limit
    } _: { minter, stage in
      #expect(await error(minter)?.code == .unavailable)
      #expect(stage.seen.count == limit)
    }
  }

  @Test("A redirect is not followed, so the key goes nowhere else")
  func redirect() async throws {
    let answer = HTTPStage.Answer(307, "", headers: ["Location": "/elsewhere"])
    try await withMinter([answer, .init(200, Self.good)]) { minter, stage in
      #expect(await error(minter) != nil)
      #expect(stage.seen.count == 1)
    }
  }

  @Test(
    "An answer that names no token is malformed",
    arguments: ["", "{}", "<html>", #"{"name":7}"#, String(repeating: "x", count: 100_000)])
  func malformed(body: String) async throws {
    try await withMinter([.init(200, body)]) { minter, _ in
      #expect(await error(minter)?.code == .malformedResponse)
    }
  }

  @Test("A server that never answers ends by the time-out, a mint that is cancelled at once")
  func silence() async throws {
    try await withMinter([]) {
      $0.timeout = .milliseconds(50)
      $0.attempts = 1
    } _: { minter, _ in
      #expect(await error(minter)?.code == .unreachable)
    }
    try await withMinter([]) { minter, stage in
      let error = await withTaskGroup(of: MintError?.self) { group in
        group.addTask { await self.error(minter) }
        await stage.nextRequest()
        group.cancelAll()
        return await group.next() ?? nil
      }
      #expect(error?.code == .cancelled)
    }
  }

  @Test("Where nobody listens there is no answer; a key that is no word is refused before")
  func unreachable() async throws {
    let stage = try await HTTPStage([])
    await stage.close()
    let minter = try HTTPTokenMinter(endpoint: stage.endpoint, apiKey: Secret("secret"))
    #expect(await error(minter)?.code == .unreachable)
    await minter.shutdown()
    #expect(throws: MintError.self) { try HTTPTokenMinter(apiKey: Secret("two words")) }
  }
}

/// An HTTP server that gives prepared answers, one for each request, and then none.
final class HTTPStage: Sendable {
  struct Answer: Sendable {
    var status: Int
    var body: String
    var headers: [String: String]

    init(_ status: Int, _ body: String, headers: [String: String] = [:]) {
      (self.status, self.body, self.headers) = (status, body, headers)
    }
  }

  struct Request: Sendable {
    var line = ""
    var headers = HTTPHeaders()
    var body = ""
  }

  private struct State {
    var answers: ArraySlice<Answer>
    var seen: [Request] = []
  }

  let endpoint: LiveEndpoint
  private let listener: any Channel
  private let script: Script

  final class Script: Sendable {
    private let state: Mutex<State>
    let arrivals = Transcript<Void>()

    init(_ answers: [Answer]) { state = Mutex(State(answers: answers[...])) }

    var seen: [Request] { state.withLock { $0.seen } }

    func answer(_ request: Request) -> Answer? {
      let answer = state.withLock { state in
        state.seen.append(request)
        return state.answers.popFirst()
      }
      arrivals.append(())
      return answer
    }
  }

  init(_ answers: [Answer], tls: Bool = false) async throws {
    let script = Script(answers)
    let context = tls ? try ScriptedServer.tlsContext(nil) : nil
    self.script = script
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
          try pipeline.configureHTTPServerPipeline()
          try pipeline.addHandler(Handler(script))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    endpoint = LiveEndpoint(
      host: "127.0.0.1", port: listener.localAddress?.port ?? 0, usesTLS: tls)
  }

  var seen: [Request] { script.seen }

  func nextRequest() async {
    let executor = EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.next())
    _ = await script.arrivals.next(
      Patience(clock: SystemClock(), executor: executor, limit: .unhurried))
  }

  func close() async { try? await listener.close() }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let script: Script
    private var request = Request()

    init(_ script: Script) { self.script = script }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        request = Request(line: "\(head.method) \(head.uri)", headers: head.headers)
      case .body(let bytes): request.body += String(buffer: bytes)
      case .end:
        guard let answer = script.answer(request) else { return }
        var headers = HTTPHeaders(answer.headers.map { ($0.key, $0.value) })
        headers.add(name: "Content-Length", value: "\(answer.body.utf8.count)")
        let status = HTTPResponseStatus(statusCode: answer.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let body = IOData.byteBuffer(ByteBuffer(string: answer.body))
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      }
    }
  }
}
#endif
