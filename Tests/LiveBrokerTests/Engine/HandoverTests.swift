// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// How one connection gives way to the next: round trips of 50 ms, 20 ms for a setup.
@Suite struct HandoverTests {
  private func move(
    _ handover: HandoverPolicy, releaseLag: Duration = .zero, answersClose: Bool = true
  ) throws -> (ReconnectReport, TestStand) {
    let stand = TestStand {
      $0.connections.releaseLag = releaseLag
      $0.connections.answersClose = answersClose
    }
    let witness = try stand.run { stand in
      try await stand.listening(
        to: stand.configuration {
          $0.rotation.handover = handover
          // With this budget a single charged attempt would end the session.
          $0.retry.attemptsPerOutage = 0
        }
      ) { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.inject(.goAway(timeLeft: .seconds(60)))
        try await stand.sleep(.seconds(70))
        return witness
      }
    }
    try #require(witness.reconnects.count == 1, "\(witness.failure as Any)")
    return (witness.reconnects[0], stand)
  }

  @Test func afterTheCloseTheGapIsTwoRoundTripsAndTheSetup() throws {
    let (report, stand) = try move(.afterClose)
    #expect(report.gap == .milliseconds(120))
    #expect(stand.totals.resumesWhileOpen == 0)
  }

  @Test func optimisticallyTheGapIsOneRoundTripAndTheSetup() throws {
    let (report, stand) = try move(.optimistic)
    #expect(report.gap == .milliseconds(70))
    #expect(report.outcome == .resumed)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test(arguments: HandoverPolicy.allCases)
  func aReleaseLagCostsAPlainDialAndNoBudget(handover: HandoverPolicy) throws {
    let (report, stand) = try move(handover, releaseLag: .milliseconds(50))
    #expect(report.gap <= .milliseconds(260 + 20))
    #expect(report.outcome == .resumed && report.uncertain.isEmpty)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test(arguments: HandoverPolicy.allCases)
  func aReleaseLagOfSecondsIsWaitedForWithoutChargingTheBudget(handover: HandoverPolicy) throws {
    let (report, stand) = try move(handover, releaseLag: .seconds(2))
    #expect(report.gap <= .seconds(4))
    #expect(report.outcome == .resumed && report.uncertain.isEmpty)
    #expect(stand.totals.upgrades < 20)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aCloseThatIsNeverAnsweredCostsItsLimit() throws {
    let (report, stand) = try move(.afterClose, answersClose: false)
    #expect(report.gap <= .seconds(2) + .milliseconds(100))
    #expect(stand.totals.connectionsOpen <= 1)
  }

  @Test func aRefusedStandbyIsDialledAgainBeforeTheMove() throws {
    let stand = TestStand()
    let witness = try stand.run { stand in
      try await stand.listening(
        to: stand.configuration { $0.retry.attemptsPerOutage = 0 }
      ) { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(20))
        stand.network.withService { $0.refuseNextUpgrades(3) }
        stand.inject(.goAway(timeLeft: .seconds(60)))
        try await stand.sleep(.seconds(70))
        return witness
      }
    }
    #expect(witness.reconnects.count == 1)
    #expect(witness.reconnects.allSatisfy { $0.gap == .milliseconds(120) })
    #expect(stand.network.figures.upgradesRefused == 3)
  }

  @Test func aStandbyThatIsClosedWhileItWaitsIsReplaced() throws {
    let stand = TestStand { $0.connections.standbyPatience = .seconds(1) }
    let witness = try stand.run { stand in
      try await stand.listening(
        to: stand.configuration {
          $0.retry.attemptsPerOutage = 0
          $0.rotation.dialLead = .seconds(20)
        }
      ) { session, witness in
        try await session.send(text: "hello")
        try await stand.sleep(.seconds(10))
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(1))
        stand.inject(.goAway(timeLeft: .seconds(15)))
        try await stand.sleep(.seconds(60))
        return witness
      }
    }
    #expect(witness.reconnects.count == 1)
    #expect(witness.reconnects.first?.cause == .planned(.goAway))
    #expect(stand.totals.upgrades > 3)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func whatTheOldConnectionSaysUntilItsCloseIsDeliveredBeforeTheTurnsEnd() throws {
    let stand = TestStand {
      $0.model.chunkInterval = .milliseconds(10)
      $0.model.longAnswerLength = .seconds(600)
    }
    let witness = try stand.run { stand in
      try await stand.listening { session, witness in
        try await session.send(text: "a long answer, please")
        try await stand.sleep(.seconds(2))
        stand.inject(.goAway(timeLeft: .seconds(5)))
        try await stand.sleep(.seconds(30))
        return witness
      }
    }
    let end = try #require(
      witness.events.firstIndex {
        if case .message(let message) = $0.event { message.origin == .broker } else { false }
      })
    let move = try #require(
      witness.events.firstIndex { if case .reconnect = $0.event { true } else { false } })
    #expect(end < move)
    // Until the service has heard of the close, one round trip long, the reply goes on.
    let spokenAfterClose = witness.events[..<end].count { event in
      event.at > witness.events[end].at.advanced(by: .milliseconds(-49)) && event.event.isContent
    }
    #expect(spokenAfterClose > 1)
    #expect(!witness.events[end + 1..<move].contains { $0.event.isContent })
  }
}
