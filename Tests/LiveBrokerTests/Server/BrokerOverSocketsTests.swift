// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOPosix
import Testing

@testable import LiveBroker

@Suite("A broker against the emulator's server", .timeLimit(.minutes(30)))
struct BrokerOverSocketsTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let patience = Patience(
    clock: SystemClock(), executor: EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.next()),
    limit: .unhurried)

  private func minter(_ server: EmulatorServer) throws -> HTTPTokenMinter {
    var minting = HTTPTokenMinter.Configuration()
    minting.tls = trust
    minting.timeout = .unhurried
    return try HTTPTokenMinter(
      endpoint: server.endpoint, apiKey: Secret("a-key"), configuration: minting)
  }

  private var sessions: SessionConfiguration {
    var configuration = SessionConfiguration(model: "models/gemini-live")
    configuration.liveness = .unhurried
    configuration.rotation.spread = 0
    return configuration
  }

  private var trust: NIOTransportConfiguration.TLS {
    var tls = NIOTransportConfiguration.TLS()
    tls.trustRoots = .pem(Array(TestIdentity.certificate.utf8))
    return tls
  }

  /// Runs a broker; when `body` returns, the broker ends, and nothing of the transport may be left.
  private func withBroker(
    _ server: EmulatorServer, onThreads: Bool,
    _ body: @escaping @Sendable (Broker) async throws -> Void
  ) async throws {
    var settings = NIOTransportConfiguration()
    settings.tls = trust
    let transport = NIOTransport(group: group, configuration: settings)
    let minter = try minter(server)
    var configuration = BrokerConfiguration(credentials: .ephemeralTokens(minter))
    configuration.endpoint = server.endpoint
    configuration.dialTimeouts = .unhurried
    let broker = Broker(
      configuration: configuration, transport: transport,
      runtime: onThreads ? .threads(count: 2) : .nio(group: group))
    await withTaskGroup(of: (any Error)?.self) { tasks in
      tasks.addTask { await self.failure { try await broker.run() } }
      if let error = await failure({ try await body(broker) }) { Issue.record(error) }
      tasks.cancelAll()
      for await error in tasks { if let error { Issue.record(error) } }
    }
    await minter.shutdown()
  }

  private func failure(_ body: () async throws -> Void) async -> (any Error)? {
    do { try await body() } catch { return error }
    return nil
  }

  private func converse(_ session: LiveSession) async throws {
    try await session.send(text: "hello")
    for try await message in session.messages where message.serverContent?.turnComplete == true {
      return
    }
    Issue.record("the session ended within its turn")
  }

  @Test(
    "Sessions move by a standby when told to go, and recover when cut", arguments: [false, true],
    [false, true])
  func movesAndRecoveries(onThreads: Bool, tls: Bool) async throws {
    let events = Transcript<ServerEvent>()
    var configuration = EmulatorServerConfiguration.unhurried
    configuration.service.model.answerLength = .milliseconds(100)
    configuration.identity = tls ? TestIdentity.pem : nil
    configuration.observer = { events.append($0) }
    let figures = try await withEmulatorServer(configuration) { server in
      try await withBroker(server, onThreads: onThreads) { broker in
        let sessions = try await withThrowingTaskGroup(of: LiveSession.self) { opening in
          for _ in 0..<4 {
            opening.addTask {
              try await broker.openSession(self.sessions)
            }
          }
          return try await opening.reduce(into: []) { $0.append($1) }
        }
        for session in sessions { try await self.converse(session) }
        var reconnects = sessions.map { $0.reconnects.makeAsyncIterator() }
        try await server.withService { $0.announceEnd(timeLeft: .unhurried, at: $1) }
        for index in sessions.indices {
          let report = await reconnects[index].next()
          #expect(report?.outcome == .resumed)
          #expect(report?.uncertain.isEmpty == true)
        }
        for session in sessions { try await self.converse(session) }
        try await server.withService { $0.dropAll(at: $1) }
        for index in sessions.indices {
          #expect(await reconnects[index].next()?.outcome == .resumed)
        }
        for session in sessions { try await self.converse(session) }
        let snapshot = await broker.snapshot()
        #expect(snapshot.plannedMoves == 4)
        #expect(snapshot.recoveries == 4)
        for session in sessions { await session.close() }
      }
      let report = try await server.report()
      #expect(report.promisesBroken.isEmpty)
      return server
    }.figures
    #expect(figures.socketsOpen == 0)
    await expectStandbys(events, moves: 4)
  }

  @Test(
    "What is cut and joined on its way reaches the application whole", arguments: [false, true])
  func cutAndJoined(tls: Bool) async throws {
    var configuration = EmulatorServerConfiguration.unhurried
    configuration.identity = tls ? TestIdentity.pem : nil
    configuration.service.model.answerLength = .milliseconds(300)
    configuration.service.model.chunkLength = .milliseconds(10)
    configuration.service.model.chunkInterval = .milliseconds(2)
    configuration.service.faults.merges = 0.5
    configuration.service.usageApart = true
    configuration.faults.splitMessages = 0.3
    configuration.faults.tornMessages = 0.5
    try await withEmulatorServer(configuration) { server in
      try await withBroker(server, onThreads: false) { broker in
        let session = try await broker.openSession(self.sessions)
        for question in 0..<3 {
          try await session.send(text: "question \(question)")
          var (words, voice) = ("", 0)
          for try await message in session.messages {
            for part in message.serverContent?.modelTurn?.parts ?? [] {
              words += part.text ?? ""
              voice += part.inlineData?.data.count ?? 0
            }
            if message.serverContent?.turnComplete == true { break }
          }
          #expect(words == "You said: question \(question)")
          #expect(voice == 300 * 48)
        }
        #expect(await broker.snapshot().malformedFrames == 0)
        await session.close()
      }
      #expect(try await server.report().totals.faults > 5)
    }
  }

  /// In a planned move the new socket stands before the old one is closed.
  private func expectStandbys(_ events: Transcript<ServerEvent>, moves: Int) async {
    var seen: [ServerEvent] = []
    while events.count > 0, let event = await events.next(patience) { seen.append(event) }
    let told = seen.lastIndex { if case .service(.goAway) = $0 { true } else { false } } ?? 0
    let cut = seen.firstIndex { if case .service(.dropped) = $0 { true } else { false } } ?? 0
    var (opened, closed) = (0, 0)
    for event in seen[min(told, cut)..<cut] {
      switch event {
      case .opened: opened += 1
      case .service(.closedByClient): closed += 1
      default: break
      }
      #expect(closed <= opened)
    }
    #expect(opened == moves)
    #expect(closed == moves)
  }
}
#endif
