// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator
import Synchronization
import Testing

/// The server on real sockets of this host.
@Suite(.timeLimit(.minutes(30))) struct EmulatorServerTests {
  private static let path = EmbeddedPeer.openPath + "?key=k"

  private func open(_ peer: inout LoopbackPeer, _ target: String = path) async throws {
    let head = try await peer.upgrade(target)
    try #require(head.hasPrefix("HTTP/1.1 101 "), "\(head)")
    try await peer.send(.text(#"{"setup":{"model":"models/m","sessionResumption":{}}}"#))
    _ = try await peer.next { $0.text.contains("setupComplete") }
  }

  private func close(_ peer: inout LoopbackPeer) async throws {
    try await peer.send(.close(1000))
    #expect(try await peer.next { $0.opcode == 8 }.closeCode == 1000)
    try await peer.ends()
  }

  @Test(arguments: [false, true])
  func aSessionIsMintedOpenedAndClosed(usesTLS: Bool) async throws {
    var configuration = EmulatorServerConfiguration.unhurried
    if usesTLS { configuration.identity = TestIdentity.pem }
    let certificate = usesTLS ? TestIdentity.certificate : nil
    let figures = try await withEmulatorServer(configuration) { server in
      #expect(server.endpoint.usesTLS == usesTLS)
      let answer = try await LoopbackPeer.connect(to: server, trusting: certificate) { peer in
        try await peer.exchange("POST /v1alpha/auth_tokens?key=k HTTP/1.1\nConnection: close")
      }
      let name = try #require(answer.split(separator: "\"").first { $0.hasPrefix("auth_tokens/") })
      try await LoopbackPeer.connect(to: server, trusting: certificate) { peer in
        try await open(&peer, EmbeddedPeer.constrainedPath + "?access_token=\(name)")
        _ = try await peer.next { $0.text.contains("newHandle") }
        try await close(&peer)
      }
      let report = try await server.report()
      #expect(report.sessions.count == 1)
      #expect(report.promisesBroken.isEmpty)
      return server
    }.figures
    #expect(figures.accepted == 2)
    #expect(figures.connectionsOpen == 0 && figures.socketsOpen == 0 && figures.timersPending == 0)
  }

  @Test func aClientThatSpeaksPlainHTTPToTLSIsToldOf() async throws {
    let seen = Mutex<[ServerEvent]>([])
    var configuration = EmulatorServerConfiguration.unhurried
    configuration.identity = TestIdentity.pem
    configuration.observer = { event in seen.withLock { $0.append(event) } }
    try await withEmulatorServer(configuration) { server in
      let answer = try await LoopbackPeer.connect(to: server) { peer in
        try? await peer.exchange("GET /emulator/report HTTP/1.1")
      }
      #expect(answer?.contains("HTTP/1.1") != true)
    }
    #expect(seen.withLock { $0 } == [.handshakeFailed])
  }

  @Test func thousandsOfConnectionsBackToBackLeaveNothing() async throws {
    let server = try await withEmulatorServer(.unhurried) { server in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<20 {
          group.addTask {
            for _ in 0..<100 {
              try await LoopbackPeer.connect(to: server) { peer in
                try await open(&peer)
                try await close(&peer)
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let totals = try await server.withService { service, _ in service.totalsNow }
      #expect(totals.sessionsStarted == 2_000)
      #expect(totals.closesByClient == 2_000)
      #expect(totals.connectionsOpen == 0)
      #expect(totals.promisesBroken == 0)
      return server
    }
    let figures = server.figures
    #expect(figures.accepted == 2_000)
    #expect(figures.connectionsOpen == 0 && figures.socketsOpen == 0 && figures.timersPending == 0)
  }

  @Test func openConnectionsAreCutAtTheEndOfTheScope() async throws {
    let peers = try await withThrowingTaskGroup(of: Void.self) { group in
      let (ready, sign) = AsyncStream<Void>.makeStream()
      let server = try await withEmulatorServer(.unhurried) { server in
        for _ in 0..<10 {
          group.addTask {
            try await LoopbackPeer.connect(to: server) { peer in
              try await open(&peer)
              sign.yield()
              try await peer.ends()
            }
          }
        }
        var count = 0
        for await _ in ready {
          count += 1
          if count == 10 { break }
        }
        #expect(server.figures.socketsOpen == 10)
        return server
      }
      try await group.waitForAll()
      return server
    }
    #expect(peers.figures.connectionsOpen == 0 && peers.figures.timersPending == 0)
    await #expect(throws: EmulatorServerError.self) { try await peers.report() }
  }

  @Test func aClientThatDoesNotReadIsCut() async throws {
    let (cuts, cut) = AsyncStream<Int>.makeStream()
    var configuration = EmulatorServerConfiguration.unhurried
    configuration.limits.outboundBytes = 1 << 20
    configuration.observer = { event in
      if case .slowClientCut(_, let bytes) = event { cut.yield(bytes) }
    }
    try await withEmulatorServer(configuration) { server in
      try await LoopbackPeer.connect(to: server) { peer in
        try await open(&peer)
        let big = [UInt8](repeating: 32, count: 1 << 20)
        // Far more than the buffers of both ends' sockets hold.
        try await server.withService { service, now in
          for _ in 0..<64 { service.inject(.send(big), into: 1, at: now) }
        }
        var iterator = cuts.makeAsyncIterator()
        #expect(try #require(await iterator.next()) > 1 << 20)
      }
      #expect(server.figures.slowClientsCut == 1)
    }
  }

  @Test func drainingLetsClientsLeave() async throws {
    let server = try await withEmulatorServer(.unhurried) { server in
      try await LoopbackPeer.connect(to: server) { peer in
        try await open(&peer)
        async let drained: Void = server.drain(timeLeft: .seconds(30))
        _ = try await peer.next { $0.text == #"{"goAway":{"timeLeft":"30s"}}"# }
        try await close(&peer)
        try await drained
      }
      #expect(server.figures.connectionsOpen == 0)
      await #expect(throws: (any Error).self) {
        try await LoopbackPeer.connect(to: server) { peer in try await peer.ends() }
      }
      return server
    }
    #expect(server.figures.timersPending == 0)
  }

  @Test func aTakenPortIsToldAsSuch() async throws {
    try await withEmulatorServer(.unhurried) { server in
      var configuration = EmulatorServerConfiguration.unhurried
      configuration.port = server.port
      let error = await #expect(throws: EmulatorServerError.self) {
        try await withEmulatorServer(configuration) { _ in }
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.message.contains("\(server.port)") == true)
    }
  }

  @Test func anUnreadableCertificateIsNamed() async throws {
    var configuration = EmulatorServerConfiguration.unhurried
    configuration.identity = .files(certificateChain: "no/such.pem", privateKey: "no/key.pem")
    let error = await #expect(throws: EmulatorServerError.self) {
      try await withEmulatorServer(configuration) { _ in }
    }
    #expect(error?.code == .identity)
    #expect(error?.message.contains("no/such.pem") == true)
  }

  @Test func anErrorOfTheBodyComesThrough() async throws {
    struct Mine: Error {}
    await #expect(throws: Mine.self) {
      try await withEmulatorServer { _ in throw Mine() }
    }
  }
}
#endif
