// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct EngineStormTests {
  @Test func fiveHundredSessionsComeBackThroughADoorOfFiftyASecond() throws {
    let stand = TestStand(service: {
      $0.admitPerSecond = 50
      $0.model.verbosity = .brief
    })
    let (lastBack, upgrades, live) = try stand.run { stand in
      var sessions: [LiveSession] = []
      try await withThrowingTaskGroup(of: LiveSession.self) { group in
        for number in 0..<500 {
          group.addTask {
            try await stand.broker.openSession(stand.configuration(label: "s\(number)"))
          }
        }
        for try await session in group { sessions.append(session) }
      }
      try await stand.sleep(.seconds(60))
      let before = stand.network.figures.upgradesSeen
      let began = stand.now
      stand.network.dropEverything()
      try await stand.sleep(.milliseconds(200))
      while stand.totals.sessionsLive < 500 { try await stand.sleep(.milliseconds(50)) }
      let lastBack = began.duration(to: stand.now)
      try await stand.sleep(.seconds(1))
      let live = await stand.broker.snapshot().sessions[.live]
      return (lastBack, stand.network.figures.upgradesSeen - before, live)
    }
    // 10 s is the ideal.
    #expect(lastBack <= .seconds(15))
    #expect(Double(upgrades) / 500 <= 1.25)
    #expect(live == 500)
    #expect(stand.totals.sessionsStarted == 500)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aQuotaOfAHundredKeepsAHundredUpWithoutChurn() throws {
    let stand = TestStand(service: {
      $0.sessions.concurrent = 100
      $0.model.verbosity = .brief
    })
    let (opened, failed) = try stand.run { stand in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<150 {
          group.addTask {
            do {
              _ = try await stand.broker.openSession(stand.configuration(label: "s\(number)"))
              return true
            } catch { return false }
          }
        }
        var opened = 0
        for try await isOpen in group where isOpen { opened += 1 }
        let snapshot = await stand.broker.snapshot()
        return (opened, snapshot.failed)
      }
    }
    #expect(opened == 100 && failed == 50)
    #expect(stand.totals.sessionsLivePeak == 100)
    // Nobody who was up was disturbed, and those refused did not knock in a loop.
    #expect(stand.totals.sessionsResumed == 0)
    #expect(stand.totals.upgrades <= 100 + 50 * 5)
  }
}
