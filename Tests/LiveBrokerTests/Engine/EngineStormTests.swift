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

  private func stand(quota: Int) -> TestStand {
    TestStand(service: {
      $0.sessions.concurrent = quota
      $0.model.verbosity = .brief
    })
  }

  /// Opens sessions one beside the other; each ends once it has been up for `life` seconds.
  private func open(
    _ count: Int, on stand: TestStand, each life: Int64, in group: inout TaskGroup<Bool>
  ) {
    for number in 0..<count {
      group.addTask {
        do {
          let session = try await stand.broker.openSession(stand.configuration(label: "s\(number)"))
          try await stand.sleep(.seconds(life))
          await session.close()
          return true
        } catch { return false }
      }
    }
  }

  @Test func aQuotaOfAHundredKeepsAHundredUpWhileFiftyQueueWithoutChurn() throws {
    let stand = stand(quota: 100)
    let (waiting, snapshot, refused, opened) = try stand.run { stand in
      await withTaskGroup(of: Bool.self) { group in
        open(150, on: stand, each: 300, in: &group)
        try? await stand.sleep(.seconds(5))
        let refused = stand.totals.setupsRefusedByQuota
        try? await stand.sleep(.seconds(175))
        let waiting = await stand.broker.snapshot()
        let later = stand.totals.setupsRefusedByQuota - refused
        var opened = 0
        for await isOpen in group where isOpen { opened += 1 }
        return (waiting, await stand.broker.snapshot(), (refused, later), opened)
      }
    }
    // Fifty knocked before anybody knew; then one asked from time to time.
    #expect(refused.0 <= 50)
    #expect((1...6).contains(refused.1))
    #expect(waiting.learnedSessionCap == 100 && waiting.waitingForPlace == 50)
    #expect(waiting.sessions[.live] == 100)
    // When the hundred had ended, those who had waited had their turn.
    #expect(opened == 150 && snapshot.failed == 0)
    #expect(stand.totals.sessionsLivePeak == 100)
    // Who waits so long that its token gets too old takes another when its turn comes, and no sooner.
    #expect((snapshot.tokens?.served ?? .max) <= 150 + refused.0 + 2 * refused.1 + 50)
    // Nobody who was up was disturbed.
    #expect(stand.totals.sessionsResumed == 0)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func placesThatAreFreedOneByOneAreTakenAtOnce() throws {
    let stand = stand(quota: 10)
    let (took, opened) = try stand.run { stand in
      let began = stand.now
      return await withTaskGroup(of: Bool.self) { group in
        open(100, on: stand, each: 20, in: &group)
        var opened = 0
        for await isOpen in group where isOpen { opened += 1 }
        return (began.duration(to: stand.now), opened)
      }
    }
    // Ten times twenty seconds, and what it takes to come up.
    #expect(opened == 100)
    #expect(took < .seconds(210))
    #expect(stand.totals.sessionsLivePeak == 10)
  }

  @Test func whenTheQuotaIsLiftedThoseWhoWaitComeUpSoon() throws {
    let stand = stand(quota: 10)
    let live = try stand.run { stand in
      await withTaskGroup(of: Bool.self) { group in
        open(100, on: stand, each: 300, in: &group)
        try? await stand.sleep(.seconds(40))
        stand.network.withService { $0.limitSessions(to: nil) }
        try? await stand.sleep(.seconds(40))
        let live = await stand.broker.snapshot().sessions[.live]
        for await _ in group {}
        return live
      }
    }
    #expect(live == 100)
  }
}
