// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker

/// Dials whose session has no use for them any more: they end at once, not at their deadline.
///
/// A dial takes three round trips of 50 ms; while packets do not pass, it takes until its deadline.
@Suite("Dials that are given up")
struct GivenUpDialTests {
  /// What is left of dials a moment after.
  private func expectNothingUnderWay(
    _ stand: TestStand, givenUp: Int, _ location: SourceLocation = #_sourceLocation
  ) async throws {
    try await stand.sleep(.milliseconds(1))
    let broker = stand.broker
    let snapshot = await broker.snapshot()
    let admission = await broker.shards[0].services.admission.snapshot
    #expect(snapshot.dialsGivenUp == givenUp, sourceLocation: location)
    #expect(stand.network.figures.dialsCancelled == UInt64(givenUp), sourceLocation: location)
    #expect(admission.inFlight == 0 && admission.lost == 0, sourceLocation: location)
    #expect(admission.abandoned == UInt64(givenUp), sourceLocation: location)
    #expect(broker.shards.allSatisfy { $0.dialsUnderWay.count == 0 }, sourceLocation: location)
  }

  @Test("Whoever stops waiting for a session leaves no dial behind")
  func openingCancelled() throws {
    let stand = TestStand(seed: 51, tokens: false)
    try stand.run { stand in
      stand.network.partition(.both)
      await withTaskGroup(of: Void.self) { group in
        group.addTask { _ = try? await stand.broker.openSession(stand.configuration()) }
        try? await stand.sleep(.seconds(1))
        group.cancelAll()
      }
      try await expectNothingUnderWay(stand, givenUp: 1)
      #expect(await stand.broker.snapshot().open == 0)
    }
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test("A session that is closed while it recovers leaves no dial behind")
  func closedInRecovery() throws {
    let stand = TestStand(seed: 52)
    try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      stand.network.dropEverything()
      // The session hears of it before packets stop to pass.
      try await stand.sleep(.milliseconds(26))
      stand.network.partition(.both)
      try await stand.sleep(.seconds(2))
      await session.close()
      try await expectNothingUnderWay(stand, givenUp: 1)
    }
  }

  /// Leaves a session in a planned move whose standby is being dialled, and does something to it.
  private func duringMove(
    _ seed: UInt64, _ body: @escaping @Sendable (TestStand, LiveSession) async throws -> Void
  ) throws {
    let stand = TestStand(seed: seed)
    try stand.run { stand in
      let session = try await stand.broker.openSession(
        stand.configuration { $0.rotation.spread = 0 })
      _ = try await session.ask("hello")
      try await stand.sleep(.seconds(10))
      stand.inject(.goAway(timeLeft: .seconds(60)))
      while stand.network.figures.dials == 1 {
        try await stand.sleep(.milliseconds(5))
      }
      try await body(stand, session)
      try await expectNothingUnderWay(stand, givenUp: 1)
    }
    try stand.letPass(.seconds(1))
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test("A session that is closed gives up the standby that it was dialling")
  func closedInMove() throws {
    try duringMove(53) { _, session in await session.close() }
  }

  @Test("A session that is drained gives up the standby that it was dialling")
  func drainedInMove() throws {
    try duringMove(54) { stand, _ in
      for shard in stand.broker.shards { shard.mailbox.post(.drain(by: .never)) }
    }
  }

  @Test("A standby whose credential the service has refused meanwhile is given up")
  func unwantedInMove() throws {
    try duringMove(59) { stand, _ in
      stand.inject(.close(.tokenExpiredWhileOpen))
      try await stand.sleep(.milliseconds(30))
      #expect(await stand.broker.snapshot().sessions[.rotating] == nil)
    }
  }

  @Test("A session that is restarted gives up the dial of the one before it")
  func restartedInMove() throws {
    try duringMove(55) { stand, session in
      session.injectFault("injected")
      // The restarted session dials again, and that is another dial.
      try await stand.sleep(.seconds(1))
      #expect(await stand.isLive)
    }
  }

  @Test("A dial that takes longer than the session allows is given up, and tried again")
  func tooSlow() throws {
    let stand = TestStand(seed: 56, tokens: false)
    try stand.run { stand in
      stand.network.partition(.both)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          _ = try await stand.broker.openSession(
            stand.configuration { $0.liveness.dialTimeout = .seconds(2) })
        }
        try await stand.sleep(.milliseconds(2_001))
        stand.network.partition([])
        try await expectNothingUnderWay(stand, givenUp: 1)
        try await group.waitForAll()
      }
      #expect(await stand.isLive)
    }
    #expect(stand.network.figures.dials == 2)
  }

  @Test("A transport that dials in tasks is told by a cancellation of the task")
  func inTask() throws {
    let stand = TestStand(seed: 57, tokens: false)
    let transport = TaskTransport(stand.network)
    try stand.run { stand in
      stand.network.partition(.both)
      try await stand.runAnother(over: transport) { broker in
        await withTaskGroup(of: Void.self) { group in
          group.addTask { _ = try? await broker.openSession(stand.configuration()) }
          try? await stand.sleep(.seconds(1))
          group.cancelAll()
        }
        try await stand.sleep(.milliseconds(1))
        #expect(stand.network.figures.dialsCancelled == 1)
        #expect(await broker.snapshot().dialsGivenUp == 1)
        #expect(broker.shards.allSatisfy { $0.dialsUnderWay.count == 0 })
      }
    }
  }

  @Test("A dial for which no task was made yet does not hold up the end of a run")
  func neverBegun() throws {
    let stand = TestStand(seed: 59)
    let transport = TaskTransport(stand.network)
    try stand.run { stand in
      let (dials, dialBegins) = AsyncStream<Void>.makeStream()
      let broker = Broker(
        configuration: BrokerConfiguration(
          // Asked for in the turn behind which the task would be made.
          credentials: .vertex(.express) {
            dialBegins.yield()
            return .expressKey(Secret("k"))
          }),
        transport: transport, runtime: stand.simulation.makeRuntime())
      await withTaskGroup(of: Void.self) { openers in
        openers.addTask { _ = try? await broker.openSession(stand.configuration()) }
        await withTaskGroup(of: Void.self) { runs in
          runs.addTask { try? await broker.run() }
          for await _ in dials { break }
          runs.cancelAll()
        }
      }
    }
    #expect(transport.dials == 0)
  }

  @Test(
    "Given up at any moment, also that of the answer, it leaves neither a dial nor a socket",
    arguments: 0..<6 as Range<UInt64>)
  func races(seed: UInt64) throws {
    for moment in stride(from: 0, through: 240, by: 5) {
      let stand = TestStand(seed: 60 + seed, tokens: false)
      try stand.run { stand in
        await withTaskGroup(of: Void.self) { group in
          group.addTask { _ = try? await stand.broker.openSession(stand.configuration()) }
          try? await stand.sleep(.milliseconds(moment))
          group.cancelAll()
        }
        let givenUp = Int(stand.network.figures.dialsCancelled)
        try await expectNothingUnderWay(stand, givenUp: givenUp)
        #expect(
          givenUp == (moment < 150 && stand.network.figures.dials > 0 ? 1 : 0) || moment == 150)
      }
      try stand.letPass(.seconds(1))
      #expect(stand.network.figures.openSockets == 0, "given up after \(moment) ms")
    }
  }

  @Test("A connection that was open already when its dial was given up is dropped")
  func tooLate() throws {
    let stand = TestStand(seed: 58, tokens: false)
    let transport = StubbornTransport()
    try stand.run { stand in
      try await stand.runAnother(over: transport) { broker in
        await withTaskGroup(of: Void.self) { group in
          group.addTask { _ = try? await broker.openSession(stand.configuration()) }
          try? await stand.sleep(.seconds(1))
          group.cancelAll()
        }
        #expect(transport.seen == .init(dials: 1, aborted: 1))
        #expect(await broker.snapshot().dialsGivenUp == 1)
        #expect(await broker.shards[0].services.admission.snapshot.inFlight == 0)
      }
    }
    #expect(transport.isForgotten)
  }
}

extension TestStand {
  /// Whether its only session is live.
  fileprivate var isLive: Bool {
    get async { await broker.snapshot().sessions == [.live: 1] }
  }
}

/// Answers a dial that is given up with the connection that it had opened just then.
private final class StubbornTransport: CallbackTransport {
  struct Counts: Equatable {
    var dials = 0
    var aborted = 0
  }

  private struct State {
    var counts = Counts()
    weak var sink: (any ConnectionSink)?
  }

  private let state = Mutex(State())
  var seen: Counts { state.withLock { $0.counts } }
  /// Whether nobody keeps the session for which it dialled.
  var isForgotten: Bool { state.withLock { $0.sink == nil } }

  func beginDial(
    _ request: DialRequest,
    answer: @escaping @Sendable (Result<any LiveConnection, TransportError>) -> Void
  ) -> any DialUnderWay {
    state.withLock { state in
      state.counts.dials += 1
      state.sink = request.sink
    }
    return Dial { [self] in
      request.executor.execute { answer(.success(Connection(self))) }
    }
  }

  private final class Dial: DialUnderWay {
    private let giveUp: @Sendable () -> Void
    init(_ giveUp: @escaping @Sendable () -> Void) { self.giveUp = giveUp }
    func cancel() { giveUp() }
  }

  private final class Connection: LiveConnection {
    private let transport: StubbornTransport
    init(_ transport: StubbornTransport) { self.transport = transport }
    func send(_ frame: OutboundFrame) { Issue.record("something was sent") }
    func close(code: UInt16, reason: String) { Issue.record("it was closed") }
    func abort() { transport.state.withLock { $0.counts.aborted += 1 } }
    func setReading(_ enabled: Bool) {}
  }
}
