// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import Testing

@testable import LiveBroker

@Suite("A broker over the NIO transport", .timeLimit(.minutes(30)))
struct NIOBrokerTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private var sessions: SessionConfiguration {
    var configuration = SessionConfiguration(model: "models/test")
    configuration.liveness = .unhurried
    return configuration
  }

  /// Runs a broker with an API key against the scripted server.
  private func withBroker(
    _ server: ScriptedServer, _ transport: NIOTransport? = nil,
    _ body: @escaping @Sendable (Broker) async throws -> Void
  ) async throws {
    var configuration = BrokerConfiguration(credentials: .apiKey(Secret("TEST-KEY")))
    configuration.endpoint = server.endpoint
    configuration.dialTimeouts = .unhurried
    let broker = Broker(
      configuration: configuration, transport: transport ?? NIOTransport(group: group),
      runtime: .nio(group: group))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await broker.run() }
      try await body(broker)
      tasks.cancelAll()
      try await tasks.waitForAll()
    }
    await server.close()
  }

  @Test("A session opens, speaks and closes over a real socket")
  func session() async throws {
    let server = try await ScriptedServer(group)
    try await withBroker(server) { broker in
      async let opening = broker.openSession(sessions)
      let line = try #require(await server.next())
      guard case .message(let setup)? = await line.nextEvent() else {
        Issue.record("no setup arrived")
        return
      }
      #expect(String(decoding: setup, as: UTF8.self).contains(#""model":"models/test""#))
      await line.perform(
        .send(Array(#"{"setupComplete":{}}"#.utf8), asText: false, frames: 1))
      let session = try await opening
      try await session.send(text: "hello")
      let event = await line.nextEvent()
      guard case .message(let text)? = event else {
        Issue.record("no text arrived, but \(String(describing: event))")
        return
      }
      #expect(String(decoding: text, as: UTF8.self).contains("hello"))
      // What is sent is to be proven to arrive, from the first message on.
      let next = await line.nextEvent()
      guard case .ping? = next else {
        Issue.record("no ping behind the first message, but \(String(describing: next))")
        return
      }
      let head = try #require(await server.nextHead())
      #expect(head.contains("x-goog-api-key: TEST-KEY\r\n"))
    }
  }

  @Test("A close right behind the upgrade is classified at once, not awaited as a setup")
  func closeBehindUpgrade() async throws {
    let server = try await ScriptedServer(group)
    await server.meetUpgrades(.acceptAndClose(code: 1007, reason: "API key not valid."))
    try await withBroker(server) { broker in
      do {
        _ = try await broker.openSession(sessions)
        Issue.record("the session opened")
      } catch {
        #expect("\(error)".contains("API key not valid"))
      }
    }
  }

  @Test("Of a session that is given up while it dials no socket is left, whatever its deadlines")
  func givenUp() async throws {
    let server = try await ScriptedServer(group)
    let transport = NIOTransport(group: group)
    await server.meetUpgrades(.ignore)
    try await withBroker(server, transport) { broker in
      await withTaskGroup(of: Void.self) { openers in
        openers.addTask { _ = try? await broker.openSession(sessions) }
        #expect(await server.nextHead() != nil)
        #expect(transport.dialsUnderWay == 1 && transport.openSockets == 1)
        openers.cancelAll()
      }
      for _ in 0..<8 {
        for loop in group.makeIterator() { try await loop.submit {}.get() }
      }
      #expect(transport.dialsUnderWay == 0 && transport.openSockets == 0)
      #expect(transport.timersPending == 0)
      let snapshot = await broker.snapshot()
      #expect(snapshot.dialsGivenUp == 1 && snapshot.open == 0)
    }
  }
}
#endif
