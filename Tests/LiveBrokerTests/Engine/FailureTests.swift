// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct FailureTests {
  /// Opens a session in a world where that may fail; gives how it ended and how long it took.
  private func opening(_ stand: TestStand) throws -> (error: BrokerError?, took: Duration) {
    try stand.run { stand in
      let began = stand.now
      do throws(BrokerError) {
        let session = try await stand.broker.openSession(stand.configuration())
        await session.close()
        return (nil, began.duration(to: stand.now))
      } catch {
        return (error, began.duration(to: stand.now))
      }
    }
  }

  @Test func aConnectThatIsNeverAnsweredEndsWithAnError() throws {
    let (error, took) = try opening(TestStand(network: { $0.faults.connectSilent = 1 }))
    #expect(error?.end?.code == .outOfAttempts)
    #expect(took <= .seconds(40))
  }

  /// A name that is not proven ends a first start; a session that lives sits it out.
  @Test func aServerThatCannotProveItsNameIsFatalOnlyAtTheFirstStart() throws {
    let error = TransportError(.tlsFailed, message: "the certificate is not for this name")
    let stand = TestStand(seed: 34)
    let first = TaskTransport(stand.network) { $0 == 0 ? error : nil }
    let later = TaskTransport(stand.network) { (1...2).contains($0) ? error : nil }
    let (end, answer) = try stand.run { stand in
      let end = try await stand.runAnother(over: first) { broker in
        do throws(BrokerError) {
          _ = try await broker.openSession(stand.configuration())
          return nil as SessionEnd?
        } catch {
          return error.end
        }
      }
      let answer = try await stand.runAnother(over: later) { broker in
        let session = try await broker.openSession(stand.configuration(label: "b"))
        stand.network.dropEverything()
        return try await session.ask("still there?")
      }
      return (end, answer)
    }
    #expect(end?.code == .refusedByService)
    #expect(first.dials == 1)
    #expect(!answer.isEmpty)
    #expect(later.dials == 4)
  }

  @Test func anUpgradeThatIsNeverAnsweredEndsWithAnError() throws {
    let (error, took) = try opening(TestStand(network: { $0.faults.upgradeSilent = 1 }))
    #expect(error?.end?.code == .outOfAttempts)
    #expect(took <= .seconds(70))
  }

  @Test func aSetupThatIsNeverAnsweredEndsWithAnError() throws {
    let stand = TestStand { $0.faults.setupStalls = 1 }
    let (error, took) = try opening(stand)
    #expect(error?.end?.code == .outOfAttempts)
    #expect(took <= .seconds(90))
    try stand.letPass(.seconds(1))
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test func aMintThatIsNeverAnsweredEndsWithAnError() throws {
    let stand = TestStand(network: { $0.faults.mintUnreachable = 1 })
    let (error, took) = try opening(stand)
    #expect(error != nil)
    #expect(took <= .seconds(31 * 60))
    #expect(stand.network.figures.dials == 0)
  }

  @Test func acceptThenCloseFollowsTheBackOffAndEndsWithAnError() throws {
    let stand = TestStand(service: {
      $0.faults.closes = 1
      $0.faults.incidentsWithin = .milliseconds(10)
    })
    let end = try stand.run { stand in
      let configuration = stand.configuration { $0.retry.attemptsPerOutage = 12 }
      let session = try await stand.broker.openSession(configuration)
      try await stand.sleep(.seconds(1_800))
      return session.end
    }
    #expect(end?.code == .outOfAttempts)
    #expect(stand.totals.upgrades == 13)
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test func aSlowConsumerDoesNotRearmTheBudget() throws {
    let stand = TestStand(service: {
      $0.faults.closes = 1
      $0.faults.incidentsWithin = .seconds(2)
    })
    let end = try stand.run { stand in
      let configuration = stand.configuration { $0.retry.attemptsPerOutage = 8 }
      let session = try await stand.broker.openSession(configuration)
      var messages = session.messages.makeAsyncIterator()
      while session.end == nil {
        _ = try? await messages.next()
        try await stand.sleep(.seconds(60))
      }
      return session.end
    }
    #expect(end?.code == .outOfAttempts)
    #expect(stand.totals.upgrades == 9)
  }

  @Test(arguments: [NetworkPartition.toService, .toClient, .both])
  func aHalfOpenSocketIsNoticed(partition: NetworkPartition) throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.network.partition(partition)
        try await stand.sleep(.seconds(120))
        #expect(witness.transitions.contains { $0.from == .live && $0.to != .rotating })
        stand.network.partition([])
        try await stand.sleep(.seconds(120))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(10))
        return witness
      }
    }
    #expect(witness.reconnects.first?.cause == .silence)
    #expect(witness.reconnects.first?.outcome == .resumed)
    #expect(witness.text.contains("probe-ok"))
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test func aSocketThatFellSilentIsLeftWithinItsLimit() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        if let connection = stand.connection() { stand.network.silence(connection) }
        try await stand.sleep(.seconds(80))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.cause) == [.silence])
    #expect(witness.reconnects.map(\.outcome) == [.resumed])
  }

  @Test func pongsHalfAMinuteLateKeepTheConnection() throws {
    for delay in [25, 29, 31, 40] {
      let stand = TestStand(network: { $0.pongDelay = .seconds(delay) })
      let (spoken, witness) = try stand.run { stand in
        try await stand.listening { session, witness in
          try await stand.sleep(.seconds(400))
          #expect(witness.reconnects.isEmpty)
          let spoken = try await stand.speak(session, for: .seconds(3))
          stand.inject(.drop)
          try await stand.sleep(.seconds(20))
          return (spoken, witness)
        }
      }
      // The late pong must not be taken for the next ping's: that would make the round trip look
      // short, and lost speech covered.
      let report = try #require(witness.reconnects.first)
      let heard = try #require(stand.soleAccount()).remembered.audio
      let missing = Speech.missing(in: heard, of: spoken)
      #expect(missing.frames.allSatisfy { report.covers(frame: $0) }, "pongs after \(delay) s")
    }
  }

  @Test func anIdleReaperNeverFindsAnIdleConnection() throws {
    let stand = TestStand { $0.connections.idleLimit = .seconds(60) }
    let witness = try stand.run { stand in
      try await stand.listening { _, witness in
        try await stand.sleep(.seconds(500))
        return witness
      }
    }
    #expect(witness.reconnects.isEmpty)
  }

  @Test func oddFramesAreCountedAndEndNothing() throws {
    let stand = TestStand()
    let (witness, snapshot) = try stand.run { stand in
      try await stand.listening { session, witness in
        for frame in [
          "", "{", "[]", "null", #"{"serverContent":7}"#, #"{"goAway":{"timeLeft":"-1e9s"}}"#,
          #"{"sessionResumptionUpdate":{"newHandle":"","resumable":true}}"#, #"{"newThing":{}}"#,
        ] {
          stand.inject(.send(Array(frame.utf8)))
          try await stand.sleep(.seconds(1))
        }
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(20))
        return (witness, await stand.broker.snapshot())
      }
    }
    #expect(snapshot.malformedFrames >= 4)
    #expect(witness.text.contains("probe-ok"))
  }

  @Test func limitsOfTheOwnerEndTheSessionAsAsked() throws {
    let stand = TestStand { $0.connections.answersClose = false }
    let ends = try stand.run { stand in
      let idle = try await stand.broker.openSession(
        stand.configuration(label: "idle") { $0.limits.idleTimeout = .seconds(60) })
      let old = try await stand.broker.openSession(
        stand.configuration(label: "old") { $0.limits.longestLife = .seconds(90) })
      let spent = try await stand.broker.openSession(
        stand.configuration(label: "spent") { $0.limits.totalTokens = 1 })
      try await spent.send(text: "hello")
      try await stand.sleep(.seconds(120))
      return [idle, old, spent].map { $0.end?.code }
    }
    #expect(ends == [.idleTimeout, .lifeLimitReached, .usageLimitReached])
  }
}
