// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct HandleTests {
  @Test func aWithheldUpdateDoesNotEraseTheLastGoodHandle() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "remember this")
        try await stand.sleep(.seconds(10))
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(5))
        stand.inject(.send(Array(#"{"sessionResumptionUpdate":{"resumable":false}}"#.utf8)))
        try await stand.sleep(.seconds(1))
        stand.inject(.drop)
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.resumed])
    #expect(witness.turnsCut == 1)
    #expect(stand.totals.sessionsStarted == 1)
  }

  @Test func aHandleThatIsNotFoundIsDroppedAndTheSessionBeginsAnew() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        stand.inject(.refuseNextResume)
        stand.inject(.drop)
        try await stand.sleep(.seconds(10))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(10))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.startedFresh])
    #expect(witness.reconnects.allSatisfy { $0.handleAge == nil })
    #expect(stand.totals.handlesNotFound == 1)
    #expect(witness.text.contains("probe-ok"))
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aNetworkFailureKeepsTheHandle() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        stand.network.withService { $0.refuseNextUpgrades(3, status: 500) }
        stand.network.partition(.both)
        stand.network.dropEverything()
        try await stand.sleep(.seconds(30))
        stand.network.partition([])
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.resumed])
    #expect(stand.totals.sessionsStarted == 1)
  }

  @Test(arguments: [1, 2])
  func anUnclearRefusalDeservesOneMoreTry(refusals: Int) throws {
    let stand = TestStand { $0.connections.setupProcessing = .milliseconds(200) }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        stand.inject(.drop)
        for _ in 0..<refusals { try await stand.closeNextSetup(.notImplemented) }
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [refusals == 1 ? .resumed : .startedFresh])
  }

  @Test func aPoisonedHandleIsDroppedOnceInputStaysUnanswered() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        stand.inject(.poisonNextResume)
        stand.inject(.drop)
        try await stand.sleep(.seconds(300))
        // An idle resumed session owes nothing.
        #expect(witness.reconnects.count == 1)
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.resumed, .startedFresh])
    #expect(witness.reconnects.last?.cause == .noAnswer)
    #expect(witness.text.contains("probe-ok"))
  }

  @Test func aPoisonedHandleIsNoticedBySpeechThatIsOnlyTranscribed() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      let configuration = stand.configuration { $0.setup.inputAudioTranscription = .init() }
      return try await stand.listening(to: configuration) { session, witness in
        try await stand.speak(session, for: .seconds(3))
        try await stand.sleep(.seconds(10))
        stand.inject(.poisonNextResume)
        stand.inject(.drop)
        try await stand.sleep(.seconds(5))
        try await stand.speak(session, for: .seconds(3))
        try await stand.sleep(.seconds(60))
        try await stand.speak(session, for: .seconds(3))
        try await stand.sleep(.seconds(10))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.resumed, .startedFresh])
    #expect(witness.turnsEnded == 2)
  }

  @Test func aSessionThatTheServiceForgotStillTalks() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        stand.inject(.forgetOnResume)
        stand.inject(.drop)
        try await stand.sleep(.seconds(10))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(10))
        return witness
      }
    }
    #expect(witness.reconnects.count == 1)
    #expect(witness.text.contains("probe-ok"))
  }

  @Test func aServiceThatLostAllSessionsIsBegunAnew() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        let now = stand.now
        stand.network.withService { $0.restart(forgettingSessions: true, at: now) }
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [.startedFresh])
  }

  @Test(arguments: [true, false])
  func aHandleOlderThanItsLifeIsNotTried(isOld: Bool) throws {
    let stand = TestStand(
      service: { $0.credentials.newSessionWindow = .seconds(60) },
      broker: { $0.handleLife = .seconds(isOld ? 120 : 600) })
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        stand.network.partition(.both)
        stand.network.dropEverything()
        try await stand.sleep(.seconds(200))
        stand.network.partition([])
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.reconnects.map(\.outcome) == [isOld ? .startedFresh : .resumed])
    #expect(stand.totals.handlesNotFound == 0)
    #expect(stand.promisesBroken.isEmpty)
  }
}

extension TestStand {
  /// Waits for the next connection on which a setup is under way, and closes it.
  func closeNextSetup(_ notice: CloseNotice) async throws {
    let known = Set(network.openConnections)
    while true {
      try await sleep(.milliseconds(1))
      guard let new = network.openConnections.first(where: { !known.contains($0) }) else {
        continue
      }
      try await sleep(.milliseconds(100))
      let now = now
      network.withService { _ = $0.inject(.close(notice), into: new, at: now) }
      return
    }
  }
}
