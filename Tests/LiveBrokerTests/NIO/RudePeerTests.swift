// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import Testing

@testable import LiveBroker

@Suite("Peers that end a connection in the middle of something", .timeLimit(.minutes(30)))
struct RudePeerTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let executor: EventLoopExecutor
  private let transport: NIOTransport
  private let patience: Patience

  init() {
    executor = EventLoopExecutor(group.next())
    var configuration = NIOTransportConfiguration()
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    configuration.limits.closeTimeout = .unhurried
    patience = Patience(clock: SystemClock(), executor: executor, limit: .unhurried)
    transport = NIOTransport(group: group, configuration: configuration)
  }

  /// A sink that can be seen to have gone.
  private struct Trace {
    weak var sink: SilentSink?
  }

  private func request(_ endpoint: LiveEndpoint, _ sink: any ConnectionSink) -> DialRequest {
    DialRequest(
      endpoint: endpoint, credential: .ephemeralToken(Secret("auth_tokens/hidden-word")),
      generation: 1, executor: executor, sink: sink, timeouts: .unhurried)
  }

  /// Dials, and gives back the error, and the sink as far as somebody still holds it.
  private func failingDial(
    _ transport: NIOTransport, _ endpoint: LiveEndpoint
  ) async -> (TransportError?, Trace) {
    let sink = SilentSink()
    do throws(TransportError) {
      try await transport.dial(request(endpoint, sink)).abort()
      return (nil, Trace(sink: sink))
    } catch {
      var text = ""
      dump(error, to: &text)
      #expect(!text.contains("hidden-word"))
      return (error, Trace(sink: sink))
    }
  }

  /// Handlers leave their pipelines in a later turn of the loop.
  private func expectNothingLeft(_ transport: NIOTransport, _ trace: Trace? = nil) async throws {
    for _ in 0..<4 { try await executor.eventLoop.submit {}.get() }
    #expect(transport.openSockets == 0)
    #expect(transport.timersPending == 0)
    #expect(transport.dialsUnderWay == 0)
    #expect(trace?.sink == nil)
  }

  // MARK: Before the connection is open

  enum Stage: Sendable {
    case tunnel, handshake, upgrade
  }

  struct Ending: Sendable, CustomTestStringConvertible {
    var stage: Stage
    var name: String
    var answer: String
    var end: RudePeer.End
    var code: TransportError.Code
    var speaksFirst = false
    var testDescription: String { "\(stage): \(name), \(end)" }
  }

  private static let alert = "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}"

  static let endings: [Ending] = [
    Ending(stage: .tunnel, name: "nothing", answer: "", end: .reset, code: .connectFailed),
    Ending(
      stage: .tunnel, name: "half a head", answer: "HTTP/1.1 200 OK\r\nX", end: .finish,
      code: .connectFailed),
    Ending(
      stage: .tunnel, name: "half a head", answer: "HTTP/1.1 200 OK\r\nX", end: .reset,
      code: .connectFailed),
    Ending(
      stage: .tunnel, name: "a tunnel to nowhere", answer: "HTTP/1.1 200 OK\r\n\r\n", end: .reset,
      code: .connectionLost),
    Ending(stage: .handshake, name: "nothing", answer: "", end: .reset, code: .connectFailed),
    Ending(
      stage: .handshake, name: "half a record", answer: "\u{16}\u{3}\u{3}\u{0}\u{7A}\u{2}",
      end: .finish, code: .connectFailed),
    Ending(
      stage: .handshake, name: "half a record", answer: "\u{16}\u{3}\u{3}\u{0}\u{7A}\u{2}",
      end: .reset, code: .connectFailed),
    Ending(
      stage: .handshake, name: "no TLS at all", answer: "HTTP/1.1 400 Bad Request\r\n\r\n",
      end: .finish, code: .tlsFailed),
    Ending(
      stage: .handshake, name: "alert handshake_failure", answer: alert + "\u{28}", end: .finish,
      code: .tlsFailed),
    Ending(
      stage: .handshake, name: "alert internal_error", answer: alert + "\u{50}", end: .finish,
      code: .connectFailed),
    Ending(stage: .upgrade, name: "nothing", answer: "", end: .reset, code: .connectionLost),
    Ending(
      stage: .upgrade, name: "half a head", answer: "HTTP/1.1 101 Switching\r\nUp", end: .finish,
      code: .connectionLost),
    Ending(
      stage: .upgrade, name: "half a head", answer: "HTTP/1.1 101 Switching\r\nUp", end: .reset,
      code: .connectionLost),
    Ending(
      stage: .upgrade, name: "a refusal", answer: "HTTP/1.1 503 Busy\r\nRetry-After: 4\r\n\r\n",
      end: .finish, code: .upgradeRefused),
    Ending(
      stage: .upgrade, name: "another protocol", answer: "SSH-2.0-OpenSSH_9.6\r\n\r\n", end: .never,
      code: .protocolViolation),
    Ending(
      stage: .upgrade, name: "an answer before the question",
      answer: "220 mail.example.org ready\r\n\r\n", end: .never, code: .protocolViolation,
      speaksFirst: true),
  ]

  @Test(
    "A dial fails in its phase, however the peer ends it, and lets go of all", arguments: endings)
  func beforeOpen(ending: Ending) async throws {
    let peer = try await RudePeer(
      group, ending.answer, ending.end, speaksFirst: ending.speaksFirst)
    var configuration = NIOTransportConfiguration()
    if ending.stage == .tunnel { configuration.proxy = .init(host: "127.0.0.1", port: peer.port) }
    let transport = NIOTransport(group: group, configuration: configuration)
    let (error, trace) = await failingDial(
      transport, peer.endpoint(tls: ending.stage == .handshake))
    #expect(error?.code == ending.code, "\(error.map { "\($0)" } ?? "the dial succeeded")")
    try await expectNothingLeft(transport, trace)
    await peer.close()
  }

  // MARK: Cancelling

  @Test("A cancelled dial lets go of what it had opened, in whatever phase", arguments: 0..<4)
  func cancelled(phase: Int) async throws {
    let full = PlainPort(listens: true, backlog: 0)
    let crowd = (0..<16).map { _ in full.connectBlindly() }
    let peer = try await RudePeer(group, "", .never)
    var configuration = NIOTransportConfiguration()
    if phase == 1 { configuration.proxy = .init(host: "127.0.0.1", port: peer.port) }
    let transport = NIOTransport(group: group, configuration: configuration)
    var endpoint = peer.endpoint(tls: phase == 2)
    if phase == 0 { endpoint.port = full.number }
    let (error, trace) = await withTaskGroup(of: (TransportError?, Trace).self) { tasks in
      tasks.addTask { [endpoint] in await failingDial(transport, endpoint) }
      if phase == 0 {
        while transport.openSockets == 0 { await Task.yield() }
      } else {
        #expect(await peer.requests.next(patience) != nil)
      }
      tasks.cancelAll()
      return await tasks.next() ?? (nil, Trace())
    }
    #expect(error?.code == .cancelled)
    try await expectNothingLeft(transport, trace)
    for one in crowd + [full] { one.close() }
    await peer.close()
  }

  @Test(
    "A dial that was given up does not outlive its deadline, though nobody answers for its name")
  func unanswered() async throws {
    let endpoint = LiveEndpoint(host: "slow.invalid", port: 1, usesTLS: false)
    let resolver = HostResolver(.init(), lookup: { _ in .success([]) }, blocking: { _ in })
    let state = LoopState(executor.eventLoop)
    let trace = await { () -> Trace in
      let sink = SilentSink()
      _ = await withUnsafeContinuation { continuation in
        let dial = NIODial(
          request(endpoint, sink), NIOTransportConfiguration(), resolver, tls: .success(nil),
          on: state
        ) { continuation.resume(returning: $0) }
        executor.execute {
          dial.start()
          dial.cancel()
        }
      }
      return Trace(sink: sink)
    }()
    for _ in 0..<2 { try await executor.eventLoop.submit {}.get() }
    #expect(trace.sink == nil)
    // The question is still open.
    #expect(resolver.addresses(of: endpoint.host) { _ in } == nil)
  }

  // MARK: Open connections

  /// An open connection, and who is at its ends.
  private struct Line {
    var connection: any LiveConnection
    var remote: ScriptedConnection
    var sink: CountingSink
  }

  /// Opens a connection to a server of its own and looks, once `body` has ended it, that the sink hears
  /// of that as a loss or as `end`, nothing behind it, and that nothing is left.
  private func ending(
    tls: Bool, as end: ((ConnectionSignal) -> Bool)? = nil,
    _ body: (Line) async throws -> Void
  ) async throws {
    let server = try await ScriptedServer(group, tls: tls)
    let sink = CountingSink()
    let connection = try await transport.dial(request(server.endpoint, sink))
    let remote = try #require(await server.next())
    try await body(Line(connection: connection, remote: remote, sink: sink))
    try await expectEnd(sink, as: end)
    await server.close()
  }

  private func expectEnd(
    _ sink: CountingSink, as end: ((ConnectionSignal) -> Bool)? = nil
  ) async throws {
    let end =
      end ?? { signal in
        if case .failed(let error) = signal { error.code == .connectionLost } else { false }
      }
    guard case .signal(let signal)? = await sink.events.next(patience) else {
      Issue.record("the sink did not hear of the end")
      return
    }
    #expect(end(signal), "it ended with \(signal)")
    try await expectNothingLeft(transport)
    #expect(sink.events.count == 0, "something was told behind the end")
  }

  private func pause(_ line: Line) async {
    line.connection.setReading(false)
    line.connection.send(.text(Array("paused".utf8)))
    #expect(await line.remote.nextEvent() == .message(Array("paused".utf8)))
  }

  @Test(
    "An end or a reset in the middle of a frame is a lost connection, told once",
    arguments: [false, true], [false, true])
  func endInFrame(tls: Bool, resets: Bool) async throws {
    try await ending(tls: tls) { line in
      await line.remote.perform(.sendRaw([0x82, 0x7E, 0x40, 0x00, 1, 2, 3]))
      await line.remote.end(resets: resets)
    }
  }

  @Test(
    "A peer that answers our close by ending the connection has not closed it",
    arguments: [false, true], [false, true])
  func endInClose(tls: Bool, resets: Bool) async throws {
    try await ending(tls: tls) { line in
      await line.remote.perform(.answerCloses(false))
      line.connection.close(code: 1000, reason: "")
      #expect(await line.remote.nextEvent() == .close(code: 1000, reason: ""))
      await line.remote.end(resets: resets)
    }
  }

  @Test("A peer that goes right behind the upgrade is lost, told once", arguments: [false, true])
  func endBehindUpgrade(resets: Bool) async throws {
    let answer =
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
      + "Sec-WebSocket-Accept: %ACCEPT%\r\n\r\n\u{1}\u{2}hi"
    let peer = try await RudePeer(group, answer, resets ? .reset : .finish)
    let sink = CountingSink()
    _ = try await transport.dial(request(peer.endpoint(tls: false), sink))
    try await expectEnd(sink)
    await peer.close()
  }

  @Test("A close that is followed by a reset is a close all the same", arguments: [false, true])
  func closeThenReset(tls: Bool) async throws {
    let isClose = { (signal: ConnectionSignal) in
      if case .closed(1011, "quota") = signal { true } else { false }
    }
    try await ending(tls: tls, as: isClose) { line in
      // Both are there before either is read.
      await pause(line)
      await line.remote.perform(.close(code: 1011, reason: "quota"))
      await line.remote.reset()
    }
  }

  @Test(
    "What came before a reset is delivered, though nobody was reading", arguments: [false, true])
  func resetWhilePaused(tls: Bool) async throws {
    try await ending(tls: tls) { line in
      await pause(line)
      await line.remote.perform(
        .send([UInt8](repeating: 7, count: 1000), asText: false, frames: 3))
      await line.remote.reset()
      guard case .message(1000)? = await line.sink.events.next(patience) else {
        Issue.record("the message was lost with the connection")
        return
      }
    }
  }
}

extension ScriptedConnection {
  fileprivate func end(resets: Bool) async {
    if resets { await reset() } else { await perform(.drop) }
  }
}
#endif
