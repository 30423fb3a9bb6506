// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct EngineSupervisionTests {
  /// What a neighbour's application sees while another session is talked to and, if asked, fails.
  private func neighbour(
    whileAnotherFails fails: Bool
  ) throws -> (transitions: [SessionPhase], text: String) {
    let stand = TestStand(shards: 1)
    return try stand.run { stand in
      let unlucky = try await stand.broker.openSession(stand.configuration(label: "unlucky"))
      return try await stand.listening { session, witness in
        for round in 0..<4 {
          try await session.send(text: "round \(round)")
          try await stand.sleep(.seconds(30))
          if fails { unlucky.injectFault("injected") }
        }
        return (witness.transitions.map(\.to), witness.text)
      }
    }
  }

  @Test func neighboursOfAFaultNoticeNothing() throws {
    let calm = try neighbour(whileAnotherFails: false)
    let shaken = try neighbour(whileAnotherFails: true)
    #expect(calm.transitions == shaken.transitions)
    #expect(calm.text == shaken.text && calm.text.contains("round 3"))
  }

  @Test func aFaultySessionIsRestartedAndResumesFromItsHandle() throws {
    let stand = TestStand()
    let (witness, snapshot) = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        session.injectFault("injected")
        try await stand.sleep(.seconds(20))
        try await session.send(text: "recall")
        try await stand.sleep(.seconds(20))
        return (witness, await stand.broker.snapshot())
      }
    }
    #expect(witness.reconnects.map(\.cause) == [.fault("injected")])
    #expect(witness.reconnects.map(\.outcome) == [.resumed])
    #expect(witness.text.contains("recall: 2 items"))
    #expect(snapshot.faults == 1 && snapshot.restarts == 1)
    // The application sees one life: every phase follows on the one before.
    for (one, next) in zip(witness.transitions, witness.transitions.dropFirst()) {
      #expect(one.to == next.from)
    }
    #expect(witness.transitions.last?.to == .closed)
  }

  @Test func tooManyFaultsEndThatSessionAndNoOther() throws {
    let stand = TestStand(shards: 1)
    let (end, other) = try stand.run { stand in
      let unlucky = try await stand.broker.openSession(stand.configuration(label: "unlucky"))
      return try await stand.listening { session, witness in
        for _ in 0..<7 {
          unlucky.injectFault("injected")
          try await stand.sleep(.seconds(2))
        }
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(10))
        return (unlucky.end, witness)
      }
    }
    #expect(end?.code == .restartIntensityExceeded)
    #expect(end?.isFailure == true)
    #expect(other.reconnects.isEmpty && other.text.contains("probe-ok"))
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test func tooManyFaultsOnAShardRestartItAndEverySessionResumes() throws {
    let stand = TestStand(
      shards: 2,
      broker: { $0.supervision.shardLimits = RestartLimits(maximum: 3, period: .seconds(60)) })
    let (snapshot, answers) = try stand.run { stand in
      var sessions: [LiveSession] = []
      for number in 0..<10 {
        let session = try await stand.broker.openSession(stand.configuration(label: "s\(number)"))
        _ = try await session.ask("hello")
        sessions.append(session)
      }
      try await stand.sleep(.seconds(10))
      // Those at even places live on the first shard.
      for number in [0, 2, 4, 6] { sessions[number].injectFault("injected") }
      try await stand.sleep(.seconds(20))
      // One more is an ordinary fault again.
      sessions[8].injectFault("injected")
      try await stand.sleep(.seconds(20))
      var answers: [String] = []
      for session in sessions { answers.append(try await session.ask("recall")) }
      return (await stand.broker.snapshot(), answers)
    }
    #expect(answers.allSatisfy { $0.contains("2 items") })
    #expect(snapshot.faults == 5)
    #expect(snapshot.restarts == 3 + 5 + 1)
    #expect(snapshot.freshStarts == 0)
    #expect(stand.totals.sessionsStarted == 10)
  }

  @Test func escalationBeyondTheBrokersLimitsMakesRunThrow() throws {
    let stand = TestStand(
      shards: 1,
      broker: {
        $0.supervision.shardLimits = RestartLimits(maximum: 0, period: .seconds(60))
        $0.supervision.brokerLimits = RestartLimits(maximum: 2, period: .seconds(600))
      })
    let (error, end) = try stand.simulation.run {
      try await withThrowingTaskGroup(of: BrokerError?.self) { group in
        group.addTask {
          do {
            try await stand.broker.run()
            return nil
          } catch { return error as? BrokerError }
        }
        let session = try await stand.broker.openSession(stand.configuration())
        for _ in 0..<3 {
          session.injectFault("injected")
          try await stand.sleep(.seconds(5))
        }
        let error = try await group.next() ?? nil
        return (error, session.end)
      }
    }
    #expect(error?.code == .partFailed)
    #expect(end?.code == .brokerStopped)
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test func aFaultInEveryPhaseLeadsBackToLive() throws {
    for moment in stride(from: 0, through: 1_500, by: 30) {
      let stand = TestStand(seed: UInt64(moment))
      let answer = try stand.run { stand in
        try await withThrowingTaskGroup(of: String.self) { group in
          group.addTask {
            let session = try await stand.broker.openSession(stand.configuration(), id: "a")
            let answer = try await session.ask("probe")
            await session.close()
            return answer
          }
          try await stand.sleep(.milliseconds(moment))
          stand.broker.session(id: "a")?.injectFault("injected")
          return try await group.next() ?? ""
        }
      }
      #expect(answer.contains("probe-ok") || answer.isEmpty, "fault after \(moment) ms")
      try stand.letPass(.seconds(1))
      #expect(stand.network.figures.openSockets == 0)
    }
  }

  @Test func aFaultWhileClosingDoesNotBringTheSessionBack() throws {
    let stand = TestStand { $0.connections.answersClose = false }
    let end = try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await session.close() }
        try await stand.sleep(.milliseconds(500))
        session.injectFault("injected")
        try await group.waitForAll()
      }
      return session.end
    }
    #expect(end?.code == .closedByApplication)
    #expect(stand.network.figures.upgradesSeen == 1)
  }
}
